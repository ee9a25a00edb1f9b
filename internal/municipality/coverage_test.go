package municipality

import (
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"deltag/internal/deltag"
)

type pair struct{ organisation, email string }

func each(pairs []pair) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, p := range pairs {
			if !yield(p.organisation, p.email) {
				return
			}
		}
	}
}

func parseList(t testing.TB, pasted string) *List {
	t.Helper()
	l, err := ParseList(pasted)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestCoverMunicipalities(t *testing.T) {
	for _, pasted := range []string{"", " \n\t\r\n - \n"} {
		got := parseList(t, pasted).Cover(each([]pair{
			{"Hedensted Kommune, HR", "anna@hedensted.dk"},
			{"hedenstedt kommune", "bo@gmail.com"},
			{"", "ib@mail.aarhus.dk"},
			{"Aarhus Universitet", "eva@au.dk"},
			{"AARHUS UNIVERSITET", "per@au.dk"},
			{"", "lis@gmail.com"},
			{"–", "kaj@gmail.com"},
			{"Danfoss A/S", "tom@danfoss.com"},
		}))
		if len(got.Expected) != 98 || got.Expected[0].Name != "Albertslund" {
			t.Fatalf("expected: %v", got.Expected)
		}
		var present []Group
		for _, g := range got.Expected {
			if g.People > 0 {
				present = append(present, g)
			}
		}
		want := []Group{{"Hedensted", "Midtjylland", 2}, {"Aarhus", "Midtjylland", 1}}
		if diff := cmp.Diff(want, present); diff != "" {
			t.Error(diff)
		}
		want = []Group{{"", "", 2}, {"Aarhus Universitet", "", 2}, {"Danfoss A/S", "", 1}}
		if diff := cmp.Diff(want, got.Others); diff != "" {
			t.Error(diff)
		}
	}
}

func TestCoverPastedList(t *testing.T) {
	l := parseList(t, strings.Join([]string{
		"Hedensted kommune", "• Region Midtjylland", "2. KL", "Danfoss A/S", "danfoss", "3F Østjylland",
		"42\tÅRHUS KOMMUNE\t8000", "Aarhus Kommune, Børn og Unge", `"Ældre Sagen"`, "", "Odense",
	}, "\r\n"))
	got := l.Cover(each([]pair{
		{"Hedensted Kommune", ""},
		{"", "anna@hedensted.dk"},
		{"Region Midtjylland", ""},
		{"region midtjylland, Koncern HR", ""},
		{"Koncern HR Region Midtjylland", ""},
		{"KL (Kommunernes Landsforening)", ""},
		{"DANFOSS", ""},
		{"Danfoss A/S, Nordborg", ""},
		{"3f østjylland", ""},
		{"Børn og Unge", "bo@aarhus.dk"},
		{"Aeldre Sagen", ""},
		// What is no whole word, or only somewhere within a name, is somebody else.
		{"Danfossfonden", ""},
		{"Danfoss Museum", ""},
		{"Støt Region Midtjylland nu", ""},
		{"Region Midt", ""},
		{"Vejle Kommune", ""},
		{"", "ib@vejle.dk"},
	}))
	want := Coverage{
		Expected: []Group{
			{"Hedensted kommune", "Midtjylland", 2},
			{"Region Midtjylland", "", 3},
			{"KL", "", 1},
			{"Danfoss A/S", "", 2},
			{"3F Østjylland", "", 1},
			{"ÅRHUS KOMMUNE", "Midtjylland", 1},
			{"Ældre Sagen", "", 1},
			{"Odense", "Syddanmark", 0},
		},
		Others: []Group{
			{"Vejle", "Syddanmark", 2},
			{"Danfoss Museum", "", 1},
			{"Danfossfonden", "", 1},
			{"Region Midt", "", 1},
			{"Støt Region Midtjylland nu", "", 1},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if again := l.Cover(each(nil)); again.Expected[0].People != 0 {
		t.Error("a list keeps what it counted")
	}
}

// TestCoverLongestName: the most exact of two expected names counts.
func TestCoverLongestName(t *testing.T) {
	got := parseList(t, "Aarhus Universitet\nAarhus Universitet Herning\nInstitut for Data").Cover(each([]pair{
		{"Aarhus Universitet Herning", ""},
		{"Aarhus Universitet, Institut for Data", ""},
		{"Aarhus Universitet Emdrup", ""},
	}))
	want := []Group{{"Aarhus Universitet", "", 1}, {"Aarhus Universitet Herning", "", 1}, {"Institut for Data", "", 1}}
	if diff := cmp.Diff(want, got.Expected); diff != "" {
		t.Error(diff)
	}
}

func TestParseListLimits(t *testing.T) {
	lines := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "Firma %d\nfirma %d ApS\n", i, i)
		}
		return b.String()
	}
	for name, tt := range map[string]struct {
		pasted, code string
		limit        int
	}{
		"Most":        {lines(MaxExpected), "", 0},
		"TooMany":     {lines(MaxExpected + 1), "too-many", MaxExpected},
		"LongestName": {strings.Repeat("ø", deltag.MaxName), "", 0},
		"TooLong":     {"KL\n" + strings.Repeat("ø", deltag.MaxName+1), "too-long", deltag.MaxName},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseList(tt.pasted)
			var refused deltag.ValidationErrors
			switch {
			case tt.code == "" && err != nil:
				t.Error(err)
			case tt.code != "" && (!errors.As(err, &refused) ||
				refused[0] != deltag.FieldError{Field: "expected", Code: tt.code, Limit: tt.limit}):
				t.Errorf("error %v", err)
			}
		})
	}
}

func FuzzCover(f *testing.F) {
	f.Add("KL\nRegion Midtjylland\n1. A/S", "Region Midtjylland, HR", "anna@aarhus.dk")
	f.Add("\t\"Danfoss A/S\"\t\r- - 3F", "&", "@")
	f.Fuzz(func(t *testing.T, pasted, organisation, email string) {
		l, err := ParseList(pasted)
		if err != nil {
			return
		}
		people := 0
		c := l.Cover(each([]pair{{organisation, email}, {organisation, email}}))
		for _, g := range append(c.Expected, c.Others...) {
			people += g.People
		}
		if people != 2 {
			t.Errorf("%d people: %+v", people, c)
		}
		for _, g := range c.Expected { // each name of the list stands for itself
			if got := l.Cover(each([]pair{{g.Name, ""}})); len(got.Others) > 0 {
				t.Errorf("%q is not expected", g.Name)
			}
		}
	})
}

// BenchmarkCover counts 100,000 registrations.
func BenchmarkCover(b *testing.B) {
	var pasted strings.Builder
	for i := range MaxExpected {
		fmt.Fprintf(&pasted, "Foreningen for velfærd %d\n", i)
	}
	all := All()
	for name, organisation := range map[string]func(i int) string{
		"Realistic": func(i int) string { // 2,000 spellings
			return fmt.Sprintf("%s Kommune, Afdeling %d", all[i%len(all)].Name, i/len(all)%20)
		},
		"AllDifferent": func(i int) string { return fmt.Sprintf("Afdeling %d, Foreningen for velfærd %d", i, i%500) },
		"AllMistyped":  func(i int) string { return fmt.Sprintf("Afdeling %d Hedemsten Kommune", i) },
	} {
		pairs := make([]pair, 100_000)
		for i := range pairs {
			pairs[i] = pair{organisation(i), fmt.Sprintf("anna%d@mail.%s", i, all[i%len(all)].Domains[0])}
		}
		for list, text := range map[string]string{"Municipalities": "", "Pasted": pasted.String()} {
			b.Run(name+"/"+list, func(b *testing.B) {
				l := parseList(b, text)
				b.ReportAllocs()
				for b.Loop() {
					l.Cover(each(pairs))
				}
			})
		}
	}
}
