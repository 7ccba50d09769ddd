package verbs

import (
	"context"
	"io"
	"net/http"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"plumb.dev/plumb/internal/client"
)

// metric is `metric SERIES VALUE`: it waits until the daemon tells the series with the value; "some" is any but 0. With ! it checks at once that the
// daemon doesn't tell the series.
func metric(ts *testscript.TestScript, neg bool, args []string) {
	if neg && len(args) != 1 || !neg && len(args) != 2 {
		ts.Fatalf("usage: metric SERIES VALUE | ! metric SERIES")
	}
	value := func() string {
		for line := range strings.Lines(metrics(ts)) {
			if value, found := strings.CutPrefix(line, args[0]+" "); found {
				return strings.TrimSpace(value)
			}
		}
		return ""
	}
	if neg {
		if got := value(); got != "" {
			ts.Fatalf("%s is %s, and should not be", args[0], got)
		}
		return
	}
	of(ts).until(ts, strings.Join(args, " "), func() bool {
		got := value()
		return got == args[1] || args[1] == "some" && got != "" && got != "0"
	})
}

// metrics are all that the daemon tells.
func metrics(ts *testscript.TestScript) string {
	found, err := client.Find(client.Flags{}, ts.Getenv)
	ts.Check(err)
	url := found.Server
	if !strings.Contains(url, "://") {
		url = "http://" + url
	}
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url+"/metrics", nil)
	ts.Check(err)
	request.Header.Set("Authorization", "Bearer "+found.Token)
	answer, err := web.Do(request)
	ts.Check(err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	ts.Check(err)
	return string(body)
}
