package sops_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/internal/secret"
	"plumb.dev/plumb/internal/secret/sops"
	"plumb.dev/plumb/internal/tree"
	"plumb.dev/plumb/internal/tree/treetest"
)

// FuzzRules: whatever the rules are, they are read or refused.
func FuzzRules(f *testing.F) {
	f.Add("creation_rules:\n- {path_regex: a, age: \"x,y\", pgp: [z], kms: k, key_groups: [{age: [a], hc_vault: [b]}]}\n")
	f.Add("creation_rules: [{path_regex: '('}]")
	f.Fuzz(func(_ *testing.T, rules string) {
		_, _ = sops.RuleFor(tree.Record(treetest.New(map[string]string{".sops.yaml": rules})), "a/b.yaml")
	})
}

func TestRules(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		".sops.yaml": "creation_rules:\n" +
			"- {path_regex: ^clouds/, age: age1a, kms: 'arn:aws:kms:1', gcp_kms: [projects/x], hc_vault_transit_uri: 'https://v'}\n" +
			"- {path_regex: ^groups/, key_groups: [{age: [age1a, age1b]}, {age: [age1c], pgp: [AB12], azure_keyvault: [{vaultUrl: v, name: n}]}]}\n" +
			"- {path_regex: prod, age: \"age1a, age1b\", pgp: [AB12]}\n",
		"own/.sops.yaml":    "creation_rules:\n- age: [age1own]\n",
		"broken/.sops.yaml": "creation_rules: {a: \"CANARY\n",
		"a":                 "",
	}
	for file, want := range map[string]secret.Rule{
		"apps/prod/s.yaml": {At: ".sops.yaml", Found: true, Recipients: []string{"age1a", "age1b"}, Others: []string{"AB12"}},
		"apps/dev/s.yaml":  {At: ".sops.yaml"},
		"own/deep/s.yaml":  {At: "own/.sops.yaml", Found: true, Recipients: []string{"age1own"}},
		"clouds/s.yaml":    {At: ".sops.yaml", Found: true, Recipients: []string{"age1a"}, Others: []string{"a key of AWS KMS", "a key of Google KMS", "a key of Vault"}},
		"groups/s.yaml": {
			At: ".sops.yaml", Found: true, Recipients: []string{"age1a", "age1b", "age1c"}, Others: []string{"AB12", "a key of Azure Key Vault"}, Several: true,
		},
	} {
		got, err := sops.RuleFor(tree.Record(treetest.New(files)), file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", file, diff)
		}
	}
	if _, err := sops.RuleFor(tree.Record(treetest.New(files)), "broken/s.yaml"); err == nil || !strings.Contains(err.Error(), "broken/.sops.yaml can't be read") || strings.Contains(err.Error(), "CANARY") {
		t.Error(err)
	}
}
