//! Registers, logs in, writes an item, reads it and syncs, with the client that openapi-generator made (the crate around this file).

use base64::{engine::general_purpose::URL_SAFE_NO_PAD, Engine};
use limpet_client::apis::configuration::Configuration;
use limpet_client::apis::{accounts_api, items_api, sessions_api, vaults_api};
use limpet_client::models::{
    device, kdf_parameters, Device, FirstVault, ItemState, KdfParameters, Login, LoginByAuthKey, Register,
    RegisterByAuthKey, ReplaceItem,
};
use std::error::Error;

fn base64url(data: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(data)
}

/// The form of an envelope. A real client seals its data (docs/protocol.md, "Envelope").
fn sealed() -> String {
    let mut data: [u8; 117] = rand::random();
    data[0] = 1;
    base64url(data)
}

fn new_id() -> String {
    uuid::Builder::from_random_bytes(rand::random()).into_uuid().to_string()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = std::env::args().nth(1).ok_or("The address of the server is missing")?;
    let anybody = Configuration { base_path: server, ..Configuration::default() };
    let email = format!("{}@example.com", new_id());
    // A real client derives it from the password (docs/protocol.md, "Keys").
    let auth_key = base64url(rand::random::<[u8; 32]>());
    let (vault_id, item_id, data) = (new_id(), new_id(), sealed());

    let salt = base64url(rand::random::<[u8; 16]>());
    let kdf = KdfParameters::new(kdf_parameters::Algorithm::Argon2id, 65536, 3, 1, salt);
    let vault = FirstVault::new(vault_id.clone(), sealed(), sealed());
    let registration =
        RegisterByAuthKey::new(new_id(), email.clone(), kdf, sealed(), vault, auth_key.clone());
    accounts_api::register_account(&anybody, Register::RegisterByAuthKey(registration)).await?;

    let device = Device::new(new_id(), "A script".to_owned(), device::Type::Other);
    let credentials = Login::LoginByAuthKey(LoginByAuthKey::new(email, device, auth_key));
    let session = sessions_api::login(&anybody, credentials).await?;
    let owner = Configuration { bearer_access_token: Some(session.access_token), ..anybody };

    let item = ReplaceItem::new(data.clone());
    let put = items_api::put_item(&owner, &vault_id, &item_id, item, None, Some("*")).await?;
    let got = items_api::get_item(&owner, &vault_id, &item_id, None).await?;
    assert_eq!(got.data, data);
    assert_eq!(got, put);

    let changes = vaults_api::list_changes(&owner, &vault_id, None, None, None).await?;
    assert_eq!(changes.items, [ItemState::Item(Box::new(got))]);
    assert!(!changes.more);

    println!("registered, logged in, put, got and synced");
    Ok(())
}
