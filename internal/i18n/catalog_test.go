package i18n_test

import (
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"deltag/internal/deltag"
	"deltag/internal/i18n"
)

var danish, english = i18n.For(deltag.LanguageDanish), i18n.For(deltag.LanguageEnglish)

func want(t *testing.T, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func readTexts(t *testing.T, file string) map[string]string {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]string
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

var placeholder = regexp.MustCompile(`\{[^}]*\}?`)

func TestLanguageFiles(t *testing.T) {
	danish, english := readTexts(t, "da.json"), readTexts(t, "en.json")
	t.Run("HaveTheSameKeys", func(t *testing.T) {
		want(t, slices.Sorted(maps.Keys(english)), slices.Sorted(maps.Keys(danish)))
	})
	t.Run("HaveTheSamePlaceholders", func(t *testing.T) {
		for key := range danish {
			// A language may use one twice. Organisers write some in either language.
			ofOrganisers := strings.NewReplacer("{navn}", "{name}", "{titel}", "{title}", "{tidspunkt}", "{when}")
			da, en := placeholder.FindAllString(ofOrganisers.Replace(danish[key]), -1), placeholder.FindAllString(english[key], -1)
			slices.Sort(da)
			slices.Sort(en)
			if diff := cmp.Diff(slices.Compact(da), slices.Compact(en)); diff != "" {
				t.Errorf("%s (-Danish +English):\n%s", key, diff)
			}
		}
	})
	t.Run("AreTidy", func(t *testing.T) {
		untidy := regexp.MustCompile(`^\s|\s$|  |\{[^a-z]|\.\.\.|["'\x00-\x09\x{fffd}]|Ã`)
		for _, all := range []map[string]string{danish, english} {
			for key, s := range all {
				if s == "" || untidy.MatchString(s) {
					t.Errorf("%s: %q", key, s)
				}
			}
		}
	})
}

// verb and what follows it is replaced when the program runs.
var verb = regexp.MustCompile(`%[a-z].*$`)

func TestKeysInSource(t *testing.T) {
	all := readTexts(t, "da.json")
	keys := slices.Sorted(maps.Keys(all))
	var prefixes []string
	used := map[string]bool{}
	for name, file := range findLiterals(t, keys) {
		prefix := verb.ReplaceAllString(name, "")
		isPrefix := slices.ContainsFunc(keys, func(k string) bool { return strings.HasPrefix(k, prefix) })
		switch {
		case all[name] != "":
			used[name] = true
		case strings.HasSuffix(name, ".ics"), strings.HasSuffix(name, ".css"): // a file name
		case isPrefix && prefix != "" && strings.ContainsAny(prefix[len(prefix)-1:], ".-"):
			prefixes = append(prefixes, prefix)
		default:
			t.Errorf("%s: no text for %q", file, name)
		}
	}
	if len(used) < 50 {
		t.Fatalf("only %d keys found in the source: the search is broken", len(used))
	}
	for _, k := range keys {
		if !used[k] && !slices.ContainsFunc(prefixes, func(s string) bool { return strings.HasPrefix(k, s) }) {
			t.Errorf("%s is not used", k)
		}
	}
}

// findLiterals are the string literals in the repository's Go files and templates that are a key or the prefix of
// one, each with a file that it is in.
func findLiterals(t *testing.T, keys []string) map[string]string {
	t.Helper()
	var firsts []string
	for _, k := range keys {
		first, _, _ := strings.Cut(k, ".")
		firsts = append(firsts, first)
	}
	literal := regexp.MustCompile("[\"`]((?:" + strings.Join(slices.Compact(firsts), "|") + ")\\.[^\"` ]*)[\"`]")
	all := map[string]string{}
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if hidden := strings.HasPrefix(d.Name(), ".") && d.Name() != ".."; d.IsDir() && (hidden || d.Name() == "testdata") {
			return fs.SkipDir
		}
		ext := filepath.Ext(path)
		if ext != ".html" && ext != ".go" || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		source, err := os.ReadFile(path)
		for _, m := range literal.FindAllSubmatch(source, -1) {
			all[string(m[1])] = path
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestText(t *testing.T) {
	want(t, danish.Text("date.remaining.hours", "n", 24), "24 timer")
	want(t, danish.Text("no.such.text", "n", 24), "no.such.text")
	want(t, danish.Has("no.such.text"), false)
	want(t, i18n.For("tlh").Language, deltag.LanguageDanish)
	tooLong := deltag.FieldError{Field: "name", Code: "too-long", Limit: 200}
	want(t, strings.Contains(english.FieldError(tooLong), "200"), true)
}

// inCopenhagen is a time there: two hours ahead of UTC from 29 March to 25 October 2026, otherwise one.
func inCopenhagen(t *testing.T, s string) time.Time {
	t.Helper()
	zone, err := deltag.LoadLocation("Europe/Copenhagen")
	if err != nil {
		t.Fatal(err)
	}
	v, err := time.ParseInLocation("2006-01-02 15:04", s, zone)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestEventTime(t *testing.T) {
	for name, c := range map[string]struct{ from, to, utc, danish, english string }{
		"Winter": {
			"2026-12-01 14:00", "2026-12-01 15:00", "13:00",
			"tirsdag den 1. december 2026 kl.\u00a014.00–15.00 (dansk tid)", "Tuesday 1 December 2026, 14:00–15:00 (Danish time)",
		},
		"DayBeforeClocksGoForward": {
			"2026-03-28 14:00", "2026-03-28 15:00", "13:00",
			"lørdag den 28. marts 2026 kl.\u00a014.00–15.00 (dansk tid)", "Saturday 28 March 2026, 14:00–15:00 (Danish time)",
		},
		"DayClocksGoForward": {
			"2026-03-29 14:00", "2026-03-29 15:00", "12:00",
			"søndag den 29. marts 2026 kl.\u00a014.00–15.00 (dansk tid)", "Sunday 29 March 2026, 14:00–15:00 (Danish time)",
		},
		"AcrossTheHourThatIsSkipped": {
			"2026-03-29 01:30", "2026-03-29 03:30", "00:30",
			"søndag den 29. marts 2026 kl.\u00a001.30–03.30 (dansk tid)", "Sunday 29 March 2026, 01:30–03:30 (Danish time)",
		},
		"DayBeforeClocksGoBack": {
			"2026-10-24 09:05", "2026-10-24 10:00", "07:05",
			"lørdag den 24. oktober 2026 kl.\u00a009.05–10.00 (dansk tid)", "Saturday 24 October 2026, 09:05–10:00 (Danish time)",
		},
		"DayClocksGoBack": {
			"2026-10-25 09:05", "2026-10-25 10:00", "08:05",
			"søndag den 25. oktober 2026 kl.\u00a009.05–10.00 (dansk tid)", "Sunday 25 October 2026, 09:05–10:00 (Danish time)",
		},
		"PastMidnightAtNewYear": {
			"2026-12-31 23:30", "2027-01-01 00:30", "22:30",
			"torsdag den 31. december 2026 kl.\u00a023.30 til fredag den 1. januar 2027 kl.\u00a000.30 (dansk tid)",
			"Thursday 31 December 2026, 23:30 to Friday 1 January 2027, 00:30 (Danish time)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := deltag.Event{
				StartsAt: inCopenhagen(t, c.from).UTC(), EndsAt: inCopenhagen(t, c.to).UTC(), TimeZone: "Europe/Copenhagen",
			}
			want(t, e.StartsAt.Format("15:04"), c.utc)
			want(t, danish.EventTime(e), c.danish)
			want(t, english.EventTime(e), c.english)
		})
	}
}

func TestEveryDayHasAName(t *testing.T) {
	for _, l := range deltag.Languages {
		for day := inCopenhagen(t, "2026-01-01 12:00"); day.Year() == 2026; day = day.AddDate(0, 0, 1) {
			if got := i18n.For(l).Date(day, day.Location()); strings.Contains(got, "date.") || !strings.Contains(got, "2026") {
				t.Errorf("%s: %q", l, got)
			}
		}
	}
}

func TestZone(t *testing.T) {
	for name, c := range map[string]struct{ zone, from, danish, english string }{
		"Home":       {"Europe/Copenhagen", "2026-12-01 14:00", "dansk tid", "Danish time"},
		"UTC":        {"UTC", "2026-12-01 14:00", "UTC", "UTC"},
		"CityWinter": {"America/New_York", "2026-12-01 14:00", "tid i New York, EST", "New York time, EST"},
		"CitySummer": {"America/New_York", "2026-07-01 14:00", "tid i New York, EDT", "New York time, EDT"},
		"NestedName": {
			"America/Argentina/Buenos_Aires", "2026-07-01 14:00", "tid i Buenos Aires, UTC−3",
			"Buenos Aires time, UTC−3",
		},
		"HalfHour": {"Asia/Kathmandu", "2026-07-01 14:00", "tid i Kathmandu, UTC+5:45", "Kathmandu time, UTC+5:45"},
		"TwoDigits": {
			"Pacific/Kiritimati", "2026-07-01 14:00", "tid i Kiritimati, UTC+14", "Kiritimati time, UTC+14",
		},
		"UnknownZone": {"Mars/Olympus", "2026-12-01 14:00", "tid i Olympus, UTC", "Olympus time, UTC"},
	} {
		t.Run(name, func(t *testing.T) {
			e := deltag.Event{StartsAt: inCopenhagen(t, c.from).UTC(), TimeZone: c.zone}
			want(t, danish.Zone(e), c.danish)
			want(t, english.Zone(e), c.english)
		})
	}
}

func TestRemaining(t *testing.T) {
	wanted := map[time.Duration]string{
		-time.Minute:                    "1 minut",
		0:                               "1 minut",
		29 * time.Second:                "1 minut",
		10 * time.Minute:                "10 minutter",
		9*time.Minute + 31*time.Second:  "10 minutter", // the mail left half a minute late
		59 * time.Minute:                "59 minutter",
		59*time.Minute + 45*time.Second: "1 time",
		time.Hour:                       "1 time",
		24*time.Hour - time.Minute:      "24 timer",
		24 * time.Hour:                  "24 timer",
		47 * time.Hour:                  "47 timer",
		48 * time.Hour:                  "2 dage",
		7 * 24 * time.Hour:              "7 dage",
	}
	got := map[time.Duration]string{}
	for d := range wanted {
		got[d] = danish.Remaining(d)
	}
	want(t, got, wanted)
	want(t, english.Remaining(24*time.Hour), "24 hours")
}
