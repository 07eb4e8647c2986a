// Registers, logs in, writes an item, reads it and syncs, with the client that oapi-codegen made (client.go beside this file).
package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"log"
	"net/http"
	"os"
)

func random(bytes int) []byte {
	made := make([]byte, bytes)
	if _, err := rand.Read(made); err != nil {
		log.Fatal(err)
	}
	return made
}

func base64url(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

// sealed has the form of an envelope. A real client seals its data (docs/protocol.md, "Envelope").
func sealed() string { return base64url(append([]byte{1}, random(116)...)) }

func newID() string {
	id := random(16)
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	ctx := context.Background()
	client, err := NewClientWithResponses(os.Args[1])
	must(err)
	email := newID() + "@example.com"
	// A real client derives it from the password (docs/protocol.md, "Keys").
	authKey := base64url(random(32))
	vaultID, itemID, data := newID(), newID(), sealed()

	var registration Register
	must(registration.FromRegisterByAuthKey(RegisterByAuthKey{
		AccountId:  newID(),
		Email:      email,
		Kdf:        KdfParameters{Algorithm: "argon2id", MemoryKiB: 65536, Iterations: 3, Parallelism: 1, Salt: base64url(random(16))},
		AccountKey: sealed(),
		Vault:      FirstVault{Id: vaultID, Key: sealed(), Data: sealed()},
		AuthKey:    authKey,
	}))
	registered, err := client.RegisterAccountWithResponse(ctx, registration)
	must(err)
	if registered.JSON201 == nil {
		log.Fatalf("register: %s", registered.Body)
	}

	var credentials Login
	must(credentials.FromLoginByAuthKey(LoginByAuthKey{
		Email:   email,
		Device:  Device{Id: newID(), Name: "A script", Type: "other"},
		AuthKey: authKey,
	}))
	session, err := client.LoginWithResponse(ctx, credentials)
	must(err)
	if session.JSON200 == nil {
		log.Fatalf("login: %s", session.Body)
	}
	asOwner := func(_ context.Context, request *http.Request) error {
		request.Header.Set("Authorization", "Bearer "+session.JSON200.AccessToken)
		return nil
	}

	asterisk := "*"
	put, err := client.PutItemWithResponse(ctx, vaultID, itemID, &PutItemParams{IfNoneMatch: &asterisk}, ReplaceItem{Data: data}, asOwner)
	must(err)
	if put.JSON201 == nil || put.HTTPResponse.Header.Get("ETag") != fmt.Sprintf(`"%d"`, put.JSON201.Revision) {
		log.Fatalf("put: %s", put.Body)
	}

	got, err := client.GetItemWithResponse(ctx, vaultID, itemID, &GetItemParams{}, asOwner)
	must(err)
	if got.JSON200 == nil || got.JSON200.Data != data {
		log.Fatalf("get: %s", got.Body)
	}

	changes, err := client.ListChangesWithResponse(ctx, vaultID, &ListChangesParams{}, asOwner)
	must(err)
	if changes.JSON200 == nil || len(changes.JSON200.Items) != 1 || changes.JSON200.More {
		log.Fatalf("sync: %s", changes.Body)
	}
	item, err := changes.JSON200.Items[0].AsItem()
	must(err)
	if item.Id != itemID {
		log.Fatalf("sync: %s", changes.Body)
	}
	fmt.Println("registered, logged in, put, got and synced")
}
