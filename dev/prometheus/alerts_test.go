package prometheus

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"sigs.k8s.io/yaml"
)

const alerts = "../../deploy/alerts"

// promtool builds promtool without the ways in which Prometheus finds what to
// ask, which are most of what it is made of, and returns a way to run it in the
// folder of the alerts.
func promtool(t *testing.T) func(arguments ...string) {
	t.Helper()
	program := filepath.Join(t.TempDir(), "promtool")
	build := exec.CommandContext(t.Context(), "go", "build", "-tags=remove_all_sd", "-ldflags=-s -w", "-o="+program, "github.com/prometheus/prometheus/cmd/promtool")
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build promtool: %v\n%s", err, said)
	}
	return func(arguments ...string) {
		t.Helper()
		run := exec.CommandContext(t.Context(), program, arguments...)
		run.Dir = alerts
		if said, err := run.CombinedOutput(); err != nil {
			t.Errorf("promtool %v: %v\n%s", arguments, err, said)
		}
	}
}

func TestRules(t *testing.T) {
	t.Parallel()
	run := promtool(t)
	run("check", "rules", "--lint=all", "--lint-fatal", "plumb.rules.yaml")
	run("test", "rules", "plumb.rules.test.yaml")
}

// TestEveryAlertIsTried holds that the rules' tests see each alert come, and
// see it stay away.
func TestEveryAlertIsTried(t *testing.T) {
	t.Parallel()
	var rules struct {
		Groups []struct {
			Rules []struct{ Alert string }
		}
	}
	var tried struct {
		Tests []struct {
			AlertRuleTest []struct {
				Alertname string
				ExpAlerts []any `json:"exp_alerts"`
			} `json:"alert_rule_test"`
		}
	}
	read(t, "plumb.rules.yaml", &rules)
	read(t, "plumb.rules.test.yaml", &tried)
	comes, stays := map[string]bool{}, map[string]bool{}
	for _, test := range tried.Tests {
		for _, alert := range test.AlertRuleTest {
			if len(alert.ExpAlerts) > 0 {
				comes[alert.Alertname] = true
			} else {
				stays[alert.Alertname] = true
			}
		}
	}
	for _, group := range rules.Groups {
		for _, rule := range group.Rules {
			if !comes[rule.Alert] || !stays[rule.Alert] {
				t.Errorf("%s is seen to come: %v; to stay away: %v", rule.Alert, comes[rule.Alert], stays[rule.Alert])
			}
			delete(comes, rule.Alert)
			delete(stays, rule.Alert)
		}
	}
	if len(rules.Groups) == 0 || len(comes)+len(stays) > 0 {
		t.Errorf("of %d groups, tried but not there are %v %v", len(rules.Groups), comes, stays)
	}
}

func read(t *testing.T, name string, into any) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(alerts, name))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(content, into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}
