#!/bin/sh
# Makes the encrypted files anew, with SOPS, age and GnuPG themselves: sops 3.13.3, age-keygen, gpg.
# The keys are for these tests alone. Run it in this folder.
set -eu
home=$(mktemp -d)
trap 'gpgconf --homedir "$home" --kill all; rm -rf "$home"' EXIT
export GNUPGHOME="$home"
chmod 700 "$home"
rm -rf keys sealed
mkdir keys sealed
age-keygen -o keys/a.txt 2>/dev/null
age-keygen -o keys/b.txt 2>/dev/null
gpg --batch --quiet --pinentry-mode loopback --passphrase '' --quick-generate-key 'test <test@example.com>' default default never
gpg --batch --quiet --armor --export-secret-keys test@example.com >keys/pgp.asc
a=$(age-keygen -y keys/a.txt)
b=$(age-keygen -y keys/b.txt)
p=$(gpg --with-colons --list-keys test@example.com | awk -F: '$1 == "fpr" { print $10; exit }')

seal() { # FROM TO FLAGS...
	from=$1 to=$2
	shift 2
	sops --config /dev/null encrypt "$@" "plain/$from" >"sealed/$to"
}
seal secret.yaml secret.yaml --age "$a" --encrypted-regex '^(data|stringData)$'
seal secret.yaml others.yaml --age "$b" --encrypted-regex '^(data|stringData)$'
seal secret.yaml pgp.yaml --pgp "$p" --encrypted-regex '^(data|stringData)$'
seal secret.yaml both.yaml --age "$a,$b" --pgp "$p" --encrypted-regex '^(data|stringData)$'
seal values.yaml values.yaml --age "$a"
seal values.yaml suffix.yaml --age "$a" --encrypted-suffix _secret
seal values.yaml unencrypted.yaml --age "$a" --unencrypted-regex '^(image|list)$'
seal several.yaml several.yaml --age "$a" --encrypted-regex '^(data|stringData)$'
seal names.yaml names.yaml --age "$a"
seal odd.yaml odd.yaml --age "$a"
seal numbers.json numbers.json --age "$a" --unencrypted-regex '^clear$'
seal values.json values.json --age "$a"
seal app.env app.env --age "$a"
seal blob.txt blob.txt --age "$a"
seal app.ini app.ini --age "$a"
printf 'creation_rules:\n- key_groups:\n  - age: [%s]\n  - age: [%s]\n  - pgp: [%s]\n  shamir_threshold: 2\n' "$a" "$b" "$p" >"$home/rules"
sops --config "$home/rules" encrypt plain/values.yaml >sealed/parts.yaml
printf 'creation_rules:\n- age: %s\n  encrypted_regex: ^(password|list)$\n  mac_only_encrypted: true\n' "$a" >"$home/rules"
sops --config "$home/rules" encrypt plain/values.yaml >sealed/maconly.yaml
printf 'creation_rules:\n- age: %s\n  encrypted_comment_regex: sealed\n' "$a" >"$home/rules"
sops --config "$home/rules" encrypt plain/values.yaml >sealed/comments.yaml
