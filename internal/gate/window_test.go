package gate

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"plumb.dev/plumb/api/v1alpha1"
)

func win(kind v1alpha1.WindowKind, schedule string, length time.Duration, zone string) v1alpha1.Window {
	return v1alpha1.Window{Kind: kind, Schedule: schedule, Duration: metav1.Duration{Duration: length}, TimeZone: zone}
}

func allow(schedule string, length time.Duration) v1alpha1.Window {
	return win(v1alpha1.WindowAllow, schedule, length, "UTC")
}

func deny(schedule string, length time.Duration) v1alpha1.Window {
	return win(v1alpha1.WindowDeny, schedule, length, "UTC")
}

func calendar(t testing.TB, windows ...v1alpha1.Window) *Calendar {
	t.Helper()
	c := NewCalendar(windows)
	if c.unfit != nil {
		t.Fatal(c.unfit)
	}
	return c
}

// at is a moment as people write it, with the offset where it matters.
func at(t testing.TB, text string) time.Time {
	t.Helper()
	for _, layout := range []string{"2006-01-02 15:04", "2006-01-02 15:04 -0700", "2006-01-02 15:04:05"} {
		if moment, err := time.Parse(layout, text); err == nil {
			return moment
		}
	}
	t.Fatalf("%q is no moment", text)
	return time.Time{}
}

// told is an opening in short: "open until …" or "closed until …".
func told(o Opening) string {
	word := "open"
	if !o.Open {
		word = "closed"
	}
	if !o.Corrections {
		word += " to corrections too"
	}
	if o.Next.IsZero() {
		return word
	}
	return word + " until " + o.Next.Format("2006-01-02 15:04 -0700")
}

func TestWindows(t *testing.T) {
	t.Parallel()
	const h = time.Hour
	strict := deny("0 0 24 12 *", 72*h)
	strict.Corrections = true
	for name, test := range map[string]struct {
		windows []v1alpha1.Window
		now     string
		want    string
	}{
		"none":                          {nil, "2026-11-21 12:00", "open"},
		"before an allow window":        {[]v1alpha1.Window{allow("0 22 * * 5", 8*h)}, "2026-11-20 21:59:59", "closed until 2026-11-20 22:00 +0000"},
		"as an allow window begins":     {[]v1alpha1.Window{allow("0 22 * * 5", 8*h)}, "2026-11-20 22:00", "open until 2026-11-21 06:00 +0000"},
		"in an allow window":            {[]v1alpha1.Window{allow("0 22 * * 5", 8*h)}, "2026-11-21 05:59:59", "open until 2026-11-21 06:00 +0000"},
		"as an allow window ends":       {[]v1alpha1.Window{allow("0 22 * * 5", 8*h)}, "2026-11-21 06:00", "closed until 2026-11-27 22:00 +0000"},
		"in a deny window":              {[]v1alpha1.Window{deny("0 22 * * 5", 8*h)}, "2026-11-21 00:00", "closed until 2026-11-21 06:00 +0000"},
		"outside of a deny window":      {[]v1alpha1.Window{deny("0 22 * * 5", 8*h)}, "2026-11-21 06:00", "open until 2026-11-27 22:00 +0000"},
		"corrections are held back too": {[]v1alpha1.Window{strict}, "2026-12-25 00:00", "closed to corrections too until 2026-12-27 00:00 +0000"},
		"and go on outside":             {[]v1alpha1.Window{strict}, "2026-12-27 00:00", "open until 2027-12-24 00:00 +0000"},
		"one of two deny windows bars corrections": {
			[]v1alpha1.Window{deny("0 0 * * *", 24*h), strict}, "2026-12-25 00:00", "closed to corrections too",
		},
		"two that touch are one":   {[]v1alpha1.Window{allow("0 8 * * *", 4*h), allow("0 12 * * *", 4*h)}, "2026-11-21 09:00", "open until 2026-11-21 16:00 +0000"},
		"two that overlap are one": {[]v1alpha1.Window{allow("0 8 * * *", 5*h), allow("0 12 * * *", 4*h)}, "2026-11-21 12:30", "open until 2026-11-21 16:00 +0000"},
		"one that overlaps itself": {[]v1alpha1.Window{allow("0 */2 * * 6", 3*h)}, "2026-11-21 01:00", "open until 2026-11-22 01:00 +0000"},
		"deny wins":                {[]v1alpha1.Window{allow("0 8 * * *", 8*h), deny("0 12 * * *", h)}, "2026-11-21 12:00", "closed until 2026-11-21 13:00 +0000"},
		"deny ends the opening":    {[]v1alpha1.Window{allow("0 8 * * *", 8*h), deny("0 12 * * *", h)}, "2026-11-21 11:00", "open until 2026-11-21 12:00 +0000"},
		"deny outlasts the window": {[]v1alpha1.Window{allow("0 8 * * *", 4*h), deny("0 11 21 * *", 24*h)}, "2026-11-21 11:30", "closed until 2026-11-22 11:00 +0000"},
		"deny over many openings":  {[]v1alpha1.Window{allow("0 8 * * *", h), deny("0 0 1-21 11 *", 24*h)}, "2026-11-01 08:30", "closed until 2026-11-22 08:00 +0000"},
		"open at all times":        {[]v1alpha1.Window{allow("0 0 * * *", 24*h)}, "2026-11-21 11:30", "open"},
		"open each minute":         {[]v1alpha1.Window{allow("* * * * *", time.Minute)}, "2026-11-21 11:30", "open"},
		"closed at all times":      {[]v1alpha1.Window{allow("0 8 * * *", h), deny("0 0 * * 0", 168*h)}, "2026-11-21 11:30", "closed"},
		"leap days only":           {[]v1alpha1.Window{allow("0 0 29 2 *", 24*h)}, "2096-03-01 00:00", "closed until 2104-02-29 00:00 +0000"},
		"never comes":              {[]v1alpha1.Window{allow("0 0 30 2 *", 24*h)}, "2026-11-21 11:30", "closed"},
		"never comes, denied":      {[]v1alpha1.Window{deny("0 0 30 2 *", 24*h)}, "2026-11-21 11:30", "open"},
		"the longest there is":     {[]v1alpha1.Window{allow("0 0 1 * *", 168*h)}, "2026-11-07 23:59:59", "open until 2026-11-08 00:00 +0000"},
		"in two zones": {
			[]v1alpha1.Window{win(v1alpha1.WindowAllow, "0 9 * * *", 8*h, "Europe/Berlin"), win(v1alpha1.WindowDeny, "0 9 * * *", h, "America/New_York")},
			"2026-11-20 13:59", "open until 2026-11-20 09:00 -0500",
		},
		"over the end of a day": {[]v1alpha1.Window{win(v1alpha1.WindowAllow, "30 23 * * 5", h, "Asia/Kolkata")}, "2026-11-20 18:30", "open until 2026-11-21 00:30 +0530"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, now := calendar(t, test.windows...), at(t, test.now)
			got := c.At(now)
			if diff := cmp.Diff(test.want, told(got)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if got.Open != (got.Reason == "") {
				t.Errorf("open: %t, and the reason: %q", got.Open, got.Reason)
			}
			if len(test.windows) > 0 && test.windows[0].Schedule != "0 0 30 2 *" && !got.Again.After(now) {
				t.Errorf("it is looked at again at %s", got.Again)
			}
		})
	}
}

// What clocks do: those of Berlin go from 02:00 to 03:00 on 2026-03-29, and
// from 03:00 back to 02:00 on 2026-10-25.
func TestWindowsWhenClocksChange(t *testing.T) {
	t.Parallel()
	const h, m = time.Hour, time.Minute
	for name, test := range map[string]struct {
		schedule string
		length   time.Duration
		zone     string
		now      string
		want     string
	}{
		"forward, before":                 {"0 22 * * 6", 8 * h, "Europe/Berlin", "2026-03-28 21:59 +0100", "closed until 2026-03-28 22:00 +0100"},
		"forward, across":                 {"0 22 * * 6", 8 * h, "Europe/Berlin", "2026-03-29 06:30 +0200", "open until 2026-03-29 07:00 +0200"},
		"forward, begins while skipped":   {"30 2 * * *", h, "Europe/Berlin", "2026-03-29 01:59 +0100", "closed until 2026-03-29 03:00 +0200"},
		"forward, began while skipped":    {"30 2 * * *", h, "Europe/Berlin", "2026-03-29 03:59 +0200", "open until 2026-03-29 04:00 +0200"},
		"forward, the day after":          {"30 2 * * *", h, "Europe/Berlin", "2026-03-29 04:00 +0200", "closed until 2026-03-30 02:30 +0200"},
		"forward, each hour":              {"30 * * * *", 10 * m, "Europe/Berlin", "2026-03-29 01:59 +0100", "closed until 2026-03-29 03:30 +0200"},
		"forward, as it goes on":          {"0 3 * * *", h, "Europe/Berlin", "2026-03-29 01:59 +0100", "closed until 2026-03-29 03:00 +0200"},
		"back, across":                    {"0 22 * * 6", 8 * h, "Europe/Berlin", "2026-10-25 04:30 +0100", "open until 2026-10-25 05:00 +0100"},
		"back, begins before the first":   {"30 2 * * *", h, "Europe/Berlin", "2026-10-25 02:00 +0200", "closed until 2026-10-25 02:30 +0200"},
		"back, ends as it is shown again": {"30 2 * * *", h, "Europe/Berlin", "2026-10-25 02:45 +0200", "open until 2026-10-25 02:30 +0100"},
		"back, begins once":               {"30 2 * * *", h, "Europe/Berlin", "2026-10-25 02:30 +0100", "closed until 2026-10-26 02:30 +0100"},
		"back, each hour, the first":      {"30 * * * *", 10 * m, "Europe/Berlin", "2026-10-25 02:00 +0200", "closed until 2026-10-25 02:30 +0200"},
		"back, each hour, the second":     {"30 * * * *", 10 * m, "Europe/Berlin", "2026-10-25 02:40 +0200", "closed until 2026-10-25 02:30 +0100"},
		"back, at all times":              {"0 * * * *", h, "Europe/Berlin", "2026-10-25 02:10 +0100", "open"},
		"back, the next hour":             {"0 3 * * *", h, "Europe/Berlin", "2026-10-25 02:10 +0100", "closed until 2026-10-25 03:00 +0100"},
		"midnight is skipped":             {"0 0 * * *", h, "Asia/Beirut", "2026-03-28 23:59 +0200", "closed until 2026-03-29 01:00 +0300"},
		"midnight is shown twice":         {"0 0 * * *", h, "America/Havana", "2026-11-01 00:30 -0400", "open until 2026-11-01 00:00 -0500"},
		"half an hour, forward":           {"15 2 * * *", h, "Australia/Lord_Howe", "2026-10-04 01:59 +1030", "closed until 2026-10-04 02:30 +1100"},
		"half an hour, back":              {"45 1 * * *", 10 * m, "Australia/Lord_Howe", "2026-04-05 01:55 +1100", "closed until 2026-04-06 01:45 +1030"},
		"a day that there was not":        {"0 12 30 12 *", h, "Pacific/Apia", "2011-12-29 23:59 -1000", "closed until 2011-12-31 00:00 +1400"},
		"a zone that never changes":       {"0 2 * * *", h, "Asia/Tokyo", "2026-03-29 01:59 +0900", "closed until 2026-03-29 02:00 +0900"},
		"long before any clock was set":   {"0 2 * * *", h, "Europe/Berlin", "1850-01-01 00:00 +0000", "closed until 1850-01-01 02:00 +0053"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := calendar(t, win(v1alpha1.WindowAllow, test.schedule, test.length, test.zone))
			if diff := cmp.Diff(test.want, told(c.At(at(t, test.now)))); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// Going from Again to Again meets every change, and Next is the first of them.
func TestAgainMissesNothing(t *testing.T) {
	t.Parallel()
	const h, m = time.Hour, time.Minute
	strict := win(v1alpha1.WindowDeny, "0 1 * * *", 3*h, "Europe/Berlin")
	strict.Corrections = true
	for i, c := range []*Calendar{
		calendar(t, win(v1alpha1.WindowAllow, "30 2 * * *", 90*m, "Europe/Berlin"), deny("0 2 * * 0", h)),
		calendar(t, win(v1alpha1.WindowAllow, "*/45 */3 * * *", 20*m, "Europe/Berlin"), strict),
		calendar(t, strict, win(v1alpha1.WindowDeny, "15 0 * * *", 70*m, "Australia/Lord_Howe")),
	} {
		for _, from := range []string{"2026-03-28 00:00", "2026-10-24 00:00", "2026-04-04 00:00"} {
			now := at(t, from)
			kept := c.find(now)
			for minute := range 3 * 24 * 60 {
				moment := now.Add(time.Duration(minute) * m)
				fresh := c.find(moment)
				if !moment.Before(kept.Again) {
					if fresh.Open != kept.Open && !moment.Equal(kept.Next) {
						t.Fatalf("%d: it changes at %s, and not at %s as was told", i, moment, kept.Next)
					}
					kept = fresh
				}
				if fmt.Sprint(fresh.Open, fresh.Corrections, fresh.Reason) != fmt.Sprint(kept.Open, kept.Corrections, kept.Reason) {
					t.Fatalf("%d: %s is not as was told: %+v, now %+v", i, moment, kept, fresh)
				}
			}
		}
	}
}

func TestReasons(t *testing.T) {
	t.Parallel()
	weekend := win(v1alpha1.WindowDeny, "0 16 * * fri", 64*time.Hour, "Europe/Berlin")
	weekend.Reason = "the weekend"
	for name, test := range map[string]struct {
		windows []v1alpha1.Window
		want    string
	}{
		"open":       {nil, ""},
		"denied":     {[]v1alpha1.Window{weekend}, "in a window that denies changes (the weekend: 0 16 * * fri for 64h, Europe/Berlin)"},
		"denied two": {[]v1alpha1.Window{weekend, deny("0 0 * * 6", 1450*time.Minute)}, "in a window that denies changes (the weekend: 0 16 * * fri for 64h, Europe/Berlin), and in a window that denies changes (0 0 * * 6 for 24h10m, UTC)"},
		"no window":  {[]v1alpha1.Window{allow("0 8 * * 1-5", 30*time.Minute), allow("0 8 1 * *", 90*time.Second)}, "outside of the windows that allow changes (0 8 * * 1-5 for 30m, UTC; 0 8 1 * * for 1m30s, UTC)"},
		"deny first": {[]v1alpha1.Window{allow("0 8 * * 1-5", time.Hour), weekend}, "in a window that denies changes (the weekend: 0 16 * * fri for 64h, Europe/Berlin)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, calendar(t, test.windows...).At(at(t, "2026-11-21 12:00")).Reason); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// What can't be understood closes, and says so.
func TestUnfitWindows(t *testing.T) {
	t.Parallel()
	for want, w := range map[string]v1alpha1.Window{
		`windows that can't be understood (window 1: the schedule "x": it needs 5 fields and has 1)`:            allow("x", time.Hour),
		`windows that can't be understood (window 1: the time zone "Nowhere/At": unknown time zone Nowhere/At)`: win(v1alpha1.WindowDeny, "0 0 * * *", time.Hour, "Nowhere/At"),
	} {
		got := NewCalendar([]v1alpha1.Window{w}).At(at(t, "2026-11-21 12:00"))
		if diff := cmp.Diff(Opening{Reason: want}, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
}

// A calendar that answers from memory tells the same as one that doesn't.
func TestCalendarRemembers(t *testing.T) {
	t.Parallel()
	windows := []v1alpha1.Window{allow("0 8 * * *", time.Hour), deny("30 8 21 11 *", time.Hour)}
	c := calendar(t, windows...)
	for _, now := range []string{"2026-11-21 07:00", "2026-11-21 07:59:59", "2026-11-21 08:00", "2026-11-21 08:30", "2026-11-21 07:30", "2026-11-22 08:15"} {
		if diff := cmp.Diff(calendar(t, windows...).At(at(t, now)), c.At(at(t, now))); diff != "" {
			t.Errorf("%s (-fresh +kept)\n%s", now, diff)
		}
	}
}

// FuzzCalendar holds that no sound window makes the search endless or wrong: at
// Next it is as it was said to be.
func FuzzCalendar(f *testing.F) {
	f.Add("0 22 * * 5", "0 0 30 2 *", int64(480), int64(60), int64(1_774_742_400))
	f.Add("* * * * *", "*/7 * * * *", int64(1), int64(3), int64(1_792_900_800))
	f.Add("30 2 * * 0", "0 0 29 2 *", int64(10080), int64(10080), int64(0))
	f.Fuzz(func(t *testing.T, first, second string, minutes, other, seconds int64) {
		windows := []v1alpha1.Window{
			win(v1alpha1.WindowAllow, first, time.Duration(1+uint64(minutes)%10080)*time.Minute, "Europe/Berlin"),
			win(v1alpha1.WindowDeny, second, time.Duration(1+uint64(other)%10080)*time.Minute, "America/Havana"),
		}
		c := NewCalendar(windows)
		if c.unfit != nil {
			return
		}
		now := time.Unix(seconds%4_000_000_000, 0)
		opening := c.At(now)
		if !opening.Again.IsZero() && !opening.Again.After(now) || !opening.Next.IsZero() && opening.Next.Before(opening.Again) {
			t.Fatalf("%v at %s: %+v", windows, now, opening)
		}
		if n := opening.Next; !n.IsZero() && (c.At(n).Open == opening.Open || c.At(n.Add(-1)).Open != opening.Open) {
			t.Fatalf("%v at %s: %+v, and then %+v", windows, now, opening, c.At(n))
		}
	})
}

func BenchmarkAt(b *testing.B) {
	c := calendar(b, win(v1alpha1.WindowAllow, "0 9 * * mon-thu", 7*time.Hour, "Europe/Berlin"), win(v1alpha1.WindowDeny, "0 0 20 12 *", 168*time.Hour, "Europe/Berlin"))
	now := at(b, "2026-11-21 12:00")
	for b.Loop() {
		c.find(now)
	}
}

func BenchmarkAtEachMinute(b *testing.B) {
	c := calendar(b, allow("* * * * *", time.Minute))
	now := at(b, "2026-11-21 12:00")
	for b.Loop() {
		c.find(now)
	}
}
