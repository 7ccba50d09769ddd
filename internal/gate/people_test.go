package gate

import (
	"strings"
	"testing"

	"plumb.dev/plumb/api/v1alpha1"
)

// Who approves isn't who made the commit, whichever way each is written.
func TestAuthorise(t *testing.T) {
	t.Parallel()
	const author = "Ada Lovelace <ada@example.com>"
	for name, test := range map[string]struct {
		by, author string
		refused    string
	}{
		"another":                   {"bob", author, ""},
		"another with an address":   {"Bob <bob@example.com>", author, ""},
		"another account":           {"bob@laptop", author, ""},
		"another of that account":   {"Ada Byron <ada@elsewhere.example>", author, ""},
		"part of a name is another": {"Lovelace", author, ""},
		"the same":                  {author, author, "made the commit"},
		"her name":                  {"ada  lovelace", author, "made the commit"},
		"her address":               {"ADA@example.com", author, "made the commit"},
		"her address, bracketed":    {"<ada@Example.com>", author, "made the commit"},
		"another name, her address": {"Deploy <ada@example.com>", author, "made the commit"},
		"her name, another address": {"Ada Lovelace <ada@elsewhere.example>", author, "made the commit"},
		"her account":               {"ada", author, "made the commit"},
		"her account, on a machine": {"ada@laptop", author, "made the commit"},
		"she committed as account":  {"Ada Lovelace <ada@example.com>", "ada@laptop", "made the commit"},
		"a name that is an account": {"ada@laptop", "Ada <lovelace@example.com>", "made the commit"},
		"an empty address":          {"bob@laptop", "Ada <>", ""},
		"a name alone made it":      {"ada", "Ada", "made the commit"},
		"who asked for it":          {"ada", Authors("Plumb <plumb@localhost>", "Keep it\n\nAsked for by: ada@laptop\n"), "made the commit"},
		"who made it with her":      {"Bob <bob@example.com>", Authors(author, "Greet again\n\nCo-authored-by: Bob B. <bob@example.com>"), "made the commit"},
		"who wasn't in it":          {"Carol", Authors(author, "Greet again\n\nReviewed-by: Carol <carol@example.com>\nco-authored-by:  Bob <bob@example.com>  \n"), ""},
		"nobody":                    {" ", author, "it isn't known who approves"},
		"of nobody":                 {"bob", "", "it isn't known who the author is"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := Authorise(Approval{By: test.by}, v1alpha1.Approval{NotAuthor: true}, test.author)
			if test.refused == "" && err != nil || test.refused != "" && (err == nil || !strings.Contains(err.Error(), test.refused)) {
				t.Errorf("%v", err)
			}
			if err := Authorise(Approval{By: test.by}, v1alpha1.Approval{}, test.author); err != nil {
				t.Errorf("without the rule: %v", err)
			}
		})
	}
}
