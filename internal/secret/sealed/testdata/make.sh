#!/bin/sh
# Makes the sealed files anew, with kubeseal (0.36.6) itself and a key that is for these tests alone. Run it in this folder.
set -eu
openssl req -x509 -nodes -newkey rsa:2048 -days 36500 -subj /CN=test -keyout key.pem -out cert.pem 2>/dev/null
cat >plain.yaml <<'PLAIN'
apiVersion: v1
kind: Secret
metadata: {name: db, namespace: shop, labels: {app: shop}}
type: example.com/db
stringData: {password: canary-one}
data: {binary: AAEC/w==}
PLAIN
for scope in strict namespace-wide cluster-wide; do
  kubeseal --cert cert.pem --scope "$scope" --format yaml <plain.yaml >"$scope.yaml"
done
rm cert.pem plain.yaml
