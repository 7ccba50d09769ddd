package v1alpha1

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const project = "apiVersion: plumb.dev/v1alpha1\nkind: Project\n"

func TestDecodeProject(t *testing.T) {
	t.Parallel()
	p, errs := DecodeProject(document(t, project+`
metadata: {name: team, namespace: team-a, uid: x}
spec:
  windows:
  - {kind: allow, schedule: "0 9 * * mon-fri", duration: 8h, timeZone: Europe/Berlin, reason: office hours}
  - {kind: deny, schedule: "0 0 20 12 *", duration: 168h, corrections: true}
`))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	want := Project{
		TypeMeta:   metav1.TypeMeta{APIVersion: APIVersion, Kind: KindProject},
		ObjectMeta: metav1.ObjectMeta{Name: "team", Namespace: "team-a"},
		Spec: ProjectSpec{Windows: []Window{
			{Kind: WindowAllow, Schedule: "0 9 * * mon-fri", Duration: metav1.Duration{Duration: 8 * time.Hour}, TimeZone: "Europe/Berlin", Reason: "office hours"},
			{Kind: WindowDeny, Schedule: "0 0 20 12 *", Duration: metav1.Duration{Duration: 168 * time.Hour}, Corrections: true},
		}},
	}
	if diff := cmp.Diff(want, p); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	full := DefaultProject(p)
	if full.Spec.Windows[1].TimeZone != "UTC" || p.Spec.Windows[1].TimeZone != "" {
		t.Errorf("defaults: %+v, of %+v", full, p)
	}
	if errs := ValidateProject(full); len(errs) > 0 {
		t.Error(errs)
	}
	if got := DefaultProject(Project{ObjectMeta: metav1.ObjectMeta{Name: "team"}}).ID(); got != "default/team" {
		t.Error(got)
	}
}

func TestMistakesInProjects(t *testing.T) {
	t.Parallel()
	const sound = project + "metadata: {name: a}\n"
	for _, test := range []struct{ text, want string }{
		{sound + "spec: {}\n", ""},
		{project + "spec: {}\n", "metadata.name: is missing; give the Project a name"},
		{sound, "spec: is missing; say what holds for its Apps, such as spec.windows"},
		{head + "metadata: {name: a}\nspec: {}\n", "kind: is App, not Project; use Project"},
		{sound + "spec: {roles: []}\n", "spec.roles: roles are not supported yet; leave it out"},
		{sound + "spec: {window: []}\n", "spec.window: there is no such field; did you mean windows?"},
		{sound + "spec: {schedule: x}\n", "spec.schedule: there is no such field; did you mean spec.windows.schedule?"},
	} {
		t.Run(test.want, func(t *testing.T) {
			t.Parallel()
			_, errs := DecodeProject(document(t, test.text))
			if diff := cmp.Diff(test.want, told(errs)); diff != "" {
				t.Errorf("%s(-want +got)\n%s", test.text, diff)
			}
		})
	}
}

func told(errs []FieldError) string {
	var lines []string
	for _, err := range errs {
		lines = append(lines, err.Error())
	}
	return strings.Join(lines, "\n")
}

func TestMistakesInWindows(t *testing.T) {
	t.Parallel()
	const write = "; write minute, hour, day of month, month and day of week, such as 0 22 * * 5"
	for window, want := range map[string]string{
		"kind: allow, schedule: 0 22 * * 5, duration: 8h":                            "",
		"kind: deny, schedule: '*/5 0-6/2,22 1,15 jan-mar MON,7', duration: 1m":      "",
		"kind: deny, schedule: 0 0 29 2 *, duration: 168h":                           "",
		"kind: deny, schedule: 0 0 30 2 mon, duration: 1h":                           "",
		"kind: deny, schedule: 0 22 * * 5, duration: 8h, timeZone: America/Anywhere": `.timeZone: "America/Anywhere" is not a time zone; name a zone as Europe/Berlin or UTC`,
		"kind: deny, schedule: 0 22 * * 5, duration: 8h, timeZone: Local":            `.timeZone: "Local" is not a time zone; name a zone as Europe/Berlin or UTC`,
		"kind: deny, schedule: 0 22 * * 5, duration: 8h, timeZone: ../../etc/passwd": `.timeZone: "../../etc/passwd" is not a time zone; name a zone as Europe/Berlin or UTC`,
		"kind: deny, schedule: 0 22 * * 5, duration: 8d":                             `.duration: "8d" is not a duration; write it like 30s, 5m or 1h`,
		"kind: deny, schedule: 0 22 * * 5, duration: 30s":                            ".duration: 30s is too short; give at least 1m",
		"kind: deny, schedule: 0 22 * * 5, duration: -1h":                            `.duration: "-1h" is too short; give at least 1s`,
		"kind: deny, schedule: 0 22 * * 5, duration: 169h":                           ".duration: 169h0m0s is too long; give at most 168h, and have it begin more often",
		"kind: deny, schedule: 0 22 * * 5":                                           ".duration: is missing; say how long the window lasts, such as 8h",
		"kind: deny, duration: 8h":                                                   ".schedule: is missing; say when the window begins, such as 0 22 * * 5 for Fridays at 22:00",
		"schedule: 0 22 * * 5, duration: 8h":                                         ".kind: is missing; use allow or deny",
		"kind: open, schedule: 0 22 * * 5, duration: 8h":                             `.kind: "open" is none of its values; use allow or deny`,
		"kind: allow, schedule: 0 22 * * 5, duration: 8h, corrections: true":         ".corrections: only a deny window can hold back corrections; remove it, or make the window's kind deny",
		"kind: deny, schedule: 0 22 * * 5, duration: 8h, reason: \"a\\nb\"":          ".reason: is long, or has control characters; give one line of at most 500 bytes",
		"kind: deny, schedule: 0 0 30 2 *, duration: 1h":                             `.schedule: "0 0 30 2 *" never comes; name a day that there is in one of its months`,
		"kind: deny, schedule: '0 0 31 4,6 *', duration: 1h":                         `.schedule: "0 0 31 4,6 *" never comes; name a day that there is in one of its months`,
		"kind: deny, schedule: 22 * * 5, duration: 1h":                               `.schedule: "22 * * 5" is not a schedule: it needs 5 fields and has 4` + write,
		"kind: deny, schedule: '@daily', duration: 1h":                               `.schedule: "@daily" is not a schedule: it needs 5 fields and has 1` + write,
		"kind: deny, schedule: TZ=UTC 0 22 * * 5, duration: 1h":                      `.schedule: "TZ=UTC 0 22 * * 5" is not a schedule: it needs 5 fields and has 6` + write,
		"kind: deny, schedule: 60 22 * * 5, duration: 1h":                            `.schedule: "60 22 * * 5" is not a schedule: the minute: 60 is not between 0 and 59` + write,
		"kind: deny, schedule: 0 24 * * 5, duration: 1h":                             `.schedule: "0 24 * * 5" is not a schedule: the hour: 24 is not between 0 and 23` + write,
		"kind: deny, schedule: 0 22 0 * *, duration: 1h":                             `.schedule: "0 22 0 * *" is not a schedule: the day of month: 0 is not between 1 and 31` + write,
		"kind: deny, schedule: 0 22 * foo *, duration: 1h":                           `.schedule: "0 22 * foo *" is not a schedule: the month: "foo" is not a number` + write,
		"kind: deny, schedule: 0 22 * * fri-mon, duration: 1h":                       `.schedule: "0 22 * * fri-mon" is not a schedule: the day of week: "fri-mon" ends before it begins` + write,
		"kind: deny, schedule: '*/0 22 * * *', duration: 1h":                         `.schedule: "*/0 22 * * *" is not a schedule: the minute: "0" is not a step` + write,
		"kind: deny, schedule: '0,, 22 * * *', duration: 1h":                         `.schedule: "0,, 22 * * *" is not a schedule: the minute: "" is not a number` + write,
	} {
		t.Run(window, func(t *testing.T) {
			t.Parallel()
			if want != "" {
				want = "spec.sync.windows[0]" + want
			}
			_, errs := Decode(document(t, head+"metadata: {name: a}\nspec: {sync: {windows: [{"+window+"}]}}\n"))
			if diff := cmp.Diff(want, told(errs)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
	many := App{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Spec: AppSpec{Sync: Sync{Windows: make([]Window, 51)}}}
	if diff := cmp.Diff("spec.sync.windows: has 51 windows; keep at most 50", told(Validate(many))); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
