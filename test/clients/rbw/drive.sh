#!/bin/sh
# drive.sh URL EMAIL, with the password in PASSWORD and rbw on the PATH: what rbw does to a vault with one item, "mail", of the user "ada".
set -eu
here=$(mktemp -d)
export HOME="$here" XDG_CONFIG_HOME="$here/config" XDG_CACHE_HOME="$here/cache" XDG_DATA_HOME="$here/data" XDG_RUNTIME_DIR="$here/run"
mkdir -m 700 "$XDG_RUNTIME_DIR"
trap 'rbw stop-agent || true; rm -rf "$here"' EXIT

# It answers every question with the password.
cat > "$here/pinentry" <<END
#!/bin/sh
echo OK
while read -r word rest; do
  case "\$word" in
    GETPIN) echo "D $PASSWORD"; echo OK ;;
    BYE) echo OK; exit ;;
    *) echo OK ;;
  esac
done
END
chmod +x "$here/pinentry"
rbw config set base_url "$1"
rbw config set email "$2"
rbw config set pinentry "$here/pinentry"

expect() {
  [ "$1" = "$2" ] || { echo "expected \"$2\", got \"$1\"" >&2; exit 1; }
}

rbw login
rbw sync
expect "$(rbw list)" mail
expect "$(rbw get mail ada)" "a password"
printf 'made by rbw\nwith a note\n' | rbw add --folder work --uri https://example.com second grace
expect "$(rbw get second)" "made by rbw"
expect "$(rbw get --field notes second)" "with a note"
printf 'changed by rbw\n' | rbw edit second
expect "$(rbw get second)" "changed by rbw"
expect "$(rbw history second | cut -d' ' -f2-)" "made by rbw"
rbw generate 20 third > "$here/generated"
expect "$(rbw get third)" "$(cat "$here/generated")"
rbw remove third
rbw sync
expect "$(rbw list | sort | tr '\n' ' ')" "mail second "
rbw lock
rbw unlock
rbw purge
