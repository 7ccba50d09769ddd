package v1alpha1

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// parsed is a schedule that is known to be sound.
func parsed(t testing.TB, text string) Schedule {
	t.Helper()
	s, err := ParseSchedule(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTimes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"0 22 * * *":        "22:00",
		"5,50 1-3 * * *":    "01:05 01:50 02:05 02:50 03:05 03:50",
		"*/30 */12 * * *":   "00:00 00:30 12:00 12:30",
		"10-20/5 23 * * *":  "23:10 23:15 23:20",
		"50/5 7,7 * * *":    "07:50 07:55",
		" 0\t6   * * * ":    "06:00",
		"0-59/999 00 * * *": "00:00",
	} {
		var got []string
		for _, c := range parsed(t, text).Times() {
			got = append(got, fmt.Sprintf("%02d:%02d", c.Hour, c.Minute))
		}
		if diff := cmp.Diff(want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%s (-want +got)\n%s", text, diff)
		}
	}
}

func TestOn(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{ // days of November 2026, which begins with a Sunday
		"0 0 * * *":         "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30",
		"0 0 1,31 * *":      "1",
		"0 0 * * 0":         "1 8 15 22 29",
		"0 0 * * 7":         "1 8 15 22 29",
		"0 0 * * sun":       "1 8 15 22 29",
		"0 0 * * Mon-Wed":   "2 3 4 9 10 11 16 17 18 23 24 25 30",
		"0 0 * * 5-7":       "1 6 7 8 13 14 15 20 21 22 27 28 29",
		"0 0 13 * 5":        "6 13 20 27", // either is enough
		"0 0 2 * 5":         "2 6 13 20 27",
		"0 0 */10 * *":      "1 11 21",
		"0 0 */10 * 1":      "1 2 9 11 16 21 23 30",
		"0 0 * nov *":       "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30",
		"0 0 * 1-10,dec *":  "",
		"0 0 28-31 sep-2 *": "",
	} {
		s, err := ParseSchedule(text)
		if err != nil {
			if want != "" {
				t.Error(text, err)
			}
			continue
		}
		var got []string
		for day := 1; day <= 30; day++ {
			if s.On(time.Date(2026, time.November, day, 0, 0, 0, 0, time.UTC)) {
				got = append(got, fmt.Sprint(day))
			}
		}
		if diff := cmp.Diff(want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%s (-want +got)\n%s", text, diff)
		}
	}
}

// Every month and weekday has a name.
func TestNames(t *testing.T) {
	t.Parallel()
	for day := time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC); day.Year() == 2026; day = day.AddDate(0, 0, 1) {
		s := parsed(t, fmt.Sprintf("0 0 * %.3s %.3s", day.Month(), day.Weekday()))
		if !s.On(day) || s.On(day.AddDate(0, 0, 1)) {
			t.Fatal(day)
		}
	}
}

func TestEachHour(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{"0 * * * *": true, "0 */2 * * *": true, "0 0-23 * * *": false, "* 3 * * *": false} {
		if got := parsed(t, text).EachHour; got != want {
			t.Errorf("%s: %t", text, got)
		}
	}
}

// FuzzParseSchedule holds that what is taken has a time, and that what comes
// comes on some day.
func FuzzParseSchedule(f *testing.F) {
	for _, seed := range []string{"0 22 * * 5", "*/5 0-6/2,22 1,15 jan-mar MON,7", "0 0 30 2 *", "TZ=", "@every 1h", "0 0 29 2 0-7/7", "-1 0 * * *", "1/1/1 * * * *", "? ? ? ? ?"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSchedule(text)
		if err != nil {
			if err.Error() == "" {
				t.Fatalf("%q: no reason", text)
			}
			return
		}
		if len(s.Times()) == 0 || len(s.Times()) > 24*60 {
			t.Fatalf("%q: %d times", text, len(s.Times()))
		}
		comes := false
		for day := time.Date(2096, time.January, 1, 0, 0, 0, 0, time.UTC); day.Year() <= 2104; day = day.AddDate(0, 0, 1) { // no leap day for eight years
			comes = comes || s.On(day)
		}
		if comes != s.Comes() {
			t.Fatalf("%q: comes %t, and is said to: %t", text, comes, s.Comes())
		}
	})
}
