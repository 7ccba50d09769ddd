package refusal

import (
	"fmt"
	"regexp"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// What the API server says of a webhook that it could not call; of one that it
// did call, and that refused, it says something else.
var (
	uncalledAdmission  = regexp.MustCompile(`failed calling webhook "([^"]+)": (.*)`)
	uncalledConversion = regexp.MustCompile(`conversion webhook for ([^ ]+, Kind=[^ ]+) failed: (.*)`)
	webhookService     = regexp.MustCompile(`Post "https://([a-z0-9-]+)\.([a-z0-9-]+)\.svc[:/]`)
)

// Uncalled says which webhook an object passes through that can't be called, such
// as one whose controller comes with the same App; it is empty where that isn't
// what the server says. Nothing of the object is in it.
func Uncalled(said metav1.Status) string {
	text := strings.Join(strings.Fields(said.Message), " ")
	which, why := "the webhook ", ""
	if m := uncalledAdmission.FindStringSubmatch(text); m != nil {
		which, why = which+m[1], m[2]
	} else if m := uncalledConversion.FindStringSubmatch(text); m != nil {
		which, why = "the conversion webhook for "+strings.ReplaceAll(m[1], ", Kind=", " "), m[2]
	} else {
		return ""
	}
	if m := webhookService.FindStringSubmatch(why); m != nil {
		which += fmt.Sprintf(", served by the Service %s/%s,", m[2], m[1])
	}
	if i := strings.LastIndex(why, `": `); i >= 0 { // behind the address
		why = why[i+len(`": `):]
	}
	return fmt.Sprintf("%s can't be called: %s; it is tried again, at once when an object of the App becomes healthy", which, why)
}
