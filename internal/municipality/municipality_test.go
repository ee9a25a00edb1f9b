package municipality

import (
	"regexp"
	"slices"
	"testing"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"
)

func TestAll(t *testing.T) {
	all := All()
	if len(all) != 98 {
		t.Errorf("%d municipalities", len(all))
	}
	regions := []string{"Hovedstaden", "Midtjylland", "Nordjylland", "Sjælland", "Syddanmark"}
	code := regexp.MustCompile(`^0[1-8]\d\d$`)
	domain := regexp.MustCompile(`^[a-z0-9-]+\.dk$`)
	perRegion := map[string]int{}
	for _, m := range all {
		perRegion[m.Region]++
		if !code.MatchString(m.Code) || m.Name == "" || len(m.Domains) == 0 || !slices.Contains(regions, m.Region) ||
			slices.ContainsFunc(m.Domains, func(d string) bool { return !domain.MatchString(d) }) {
			t.Errorf("%+v", m)
		}
	}
	// As the regions themselves count them.
	for i, want := range []int{29, 19, 11, 17, 22} {
		if got := perRegion[regions[i]]; got != want {
			t.Errorf("%s has %d municipalities, not %d", regions[i], got, want)
		}
	}
	danish := collate.New(language.Danish)
	if !slices.IsSortedFunc(all, func(a, b Municipality) int { return danish.CompareString(a.Name, b.Name) }) {
		t.Error("not in Danish alphabetical order")
	}
}

func TestAllIsACopy(t *testing.T) {
	All()[0].Name = "Changed"
	if name := All()[0].Name; name != "Albertslund" {
		t.Errorf("name %q", name)
	}
}

func TestParseRefuses(t *testing.T) {
	const header = "code,name,region,domains,spellings\n"
	for name, rows := range map[string]string{
		"SameCode":      "0751,Aarhus,Midtjylland,aarhus.dk,\n0751,Odense,Syddanmark,odense.dk,\n",
		"SameName":      "0751,Aarhus,Midtjylland,aarhus.dk,\n0461,Århus,Syddanmark,odense.dk,\n",
		"SameSpelling":  "0751,Aarhus,Midtjylland,aarhus.dk,\n0461,Odense,Syddanmark,odense.dk,Aarhus Kommune\n",
		"SameDomain":    "0751,Aarhus,Midtjylland,aarhus.dk,\n0461,Odense,Syddanmark,aarhus.dk,\n",
		"ColumnMissing": "0751,Aarhus,Midtjylland,aarhus.dk\n",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := parse([]byte(header + rows)); err == nil {
				t.Error("accepted")
			}
		})
	}
}
