package municipality

import (
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"
)

// TestMatchEveryMunicipality: each is found in the spellings that people use, and no other.
func TestMatchEveryMunicipality(t *testing.T) {
	twoLetters := strings.NewReplacer("æ", "ae", "ø", "oe", "å", "aa", "Æ", "Ae", "Ø", "Oe", "Å", "Aa")
	oneLetter := strings.NewReplacer("æ", "ae", "ø", "o", "å", "a", "Æ", "Ae", "Ø", "O", "Å", "A", "aa", "a", "Aa", "A")
	for _, m := range All() {
		for _, spelling := range []string{
			"%", "% Kommune", "% kommune", "%s Kommune", "%' Kommune", "%’s kommune", "%kommune", "%skommune",
			"Kommunen %", "Kommune: %", "% Kommunes Borgerservice", "% Kommunen", "% Komune", "% Kommmune", "% Kom.",
			"% Municipality", "Municipality of %", "City of %", "Jobcenter %", "% Rådhus", "%, kommune",
			"% Kommune, HR", "% Kommune HR", "HR - % Kommune", "HR, % Kommune", "Børn og Unge, % Kommune",
			"Børn og Unge % Kommune", "HR/% Kommune", "% Kommune (HR)", "Teknik & Miljø – % Kommune ", "% Kommune\tLøn",
		} {
			typed := strings.ReplaceAll(spelling, "%", m.Name)
			for _, typed := range []string{
				typed, strings.ToUpper(typed), strings.ToLower(typed), norm.NFD.String(typed),
				twoLetters.Replace(typed), oneLetter.Replace(typed),
				strings.ReplaceAll(typed, m.Name, strings.ReplaceAll(m.Name, "-", " ")),
				strings.ReplaceAll(typed, "aa", "å"), strings.ReplaceAll(typed, "Aa", "Å"),
			} {
				if got, _ := Match(typed, "anna@example.dk"); got.Code != m.Code {
					t.Errorf("%q is %q", typed, got.Name)
				}
			}
		}
		for _, domain := range m.Domains {
			for _, email := range []string{
				"anna@" + domain, "anna@mail." + domain, "anna@edu.skole." + domain, "Anna@" + strings.ToUpper(domain),
			} {
				if got, _ := Match("", email); got.Code != m.Code {
					t.Errorf("%q is %q", email, got.Name)
				}
			}
		}
	}
}

func TestMatch(t *testing.T) {
	for _, tt := range []struct{ organisation, email, want string }{
		{"Hedensted kommune", "", "Hedensted"},
		{"Hedenstedt Kommune", "", "Hedensted"},
		{"Hedensteds Kommune", "", "Hedensted"},
		{"Københavns Kommune", "", "København"},
		{"Koebenhavns Kommune, Socialforvaltningen", "", "København"},
		{"Kbh. Kommune", "", "København"},
		{"Kbhs Kommune", "", "København"},
		{"KK", "", "København"},
		{"City of Copenhagen, Technical and Environmental Administration", "", "København"},
		{"Copenhagen Municipality", "", "København"},
		{"Bornholms Regionskommune", "", "Bornholm"},
		{"Bornholm Regionskommune", "", "Bornholm"},
		{"Bornholms regions kommune", "", "Bornholm"},
		{"Bornholm", "", "Bornholm"},
		{"Lyngby Taarbæk Kommune", "", "Lyngby-Taarbæk"},
		{"Lyngby/Tårbæk Kommune", "", "Lyngby-Taarbæk"},
		{"Lyngby Kommune", "", "Lyngby-Taarbæk"},
		{"Kgs. Lyngby", "", "Lyngby-Taarbæk"},
		{"LTK", "", "Lyngby-Taarbæk"},
		{"Høje Tåstrup Kommune", "", "Høje-Taastrup"},
		{"Høje - Taastrup Kommune", "", "Høje-Taastrup"},
		{"Ringkøbing-Skjern", "", "Ringkøbing-Skjern"},
		{"RingkøbingSkjern Kommune", "", "Ringkøbing-Skjern"},
		{"Ringkøbing Skern kommune", "", "Ringkøbing-Skjern"},
		{"Ringsted Kommune", "", "Ringsted"},
		{"Nordfyn Kommune", "", "Nordfyns"},
		{"Nordfyns", "", "Nordfyns"},
		{"Vesthimmerland Kommune", "", "Vesthimmerlands"},
		{"Faaborg Midtfyns Kommune", "", "Faaborg-Midtfyn"},
		{"Fåborg-Midtfyn", "", "Faaborg-Midtfyn"},
		{"Syd Djurs Kommune", "", "Syddjurs"},
		{"Nord-Djurs Kommune", "", "Norddjurs"},
		{"Vejen Kommune", "", "Vejen"},
		{"Vejle Kommune", "", "Vejle"},
		{"Ishøj Kommune, Greve", "", "Ishøj"},
		{"Mors", "", "Morsø"},
		{"odense", "", "Odense"},
		{"ODENSE KOMMUNE.", "", "Odense"},
		{"Jobcenter Odense", "", "Odense"},
		{"Borgerservice, Odense", "", "Odense"},
		{"Odense Kommune / Odense Rådhus", "", "Odense"},
		{"Foreningen af økonomer i Odense Kommune", "", "Odense"},
		// The domain decides where the organisation does not.
		{"", "anna@kk.dk", "København"},
		{"", "anna@buf.kk.dk", "København"},
		{"", "anna@balk.dk", "Ballerup"},
		{"", "anna@brk.dk", "Bornholm"},
		{"", "anna@rksk.dk", "Ringkøbing-Skjern"},
		{"HR", "anna@99454545.dk", "Brønderslev"},
		{"Kommunen", "anna@skole.aarhus.dk", "Aarhus"},
		{"Odense Universitet", "anna@odense.dk", "Odense"},
		{"Region Midtjylland", "anna@aarhus.dk", "Aarhus"},
		{"Odense", "anna@aarhus.dk", "Aarhus"},
		{"Ishøj og Vallensbæk Kommuner", "anna@ishoj.dk", "Ishøj"},
		// What calls itself a municipality does not need the domain.
		{"Fanø Kommune", "anna@esbjerg.dk", "Fanø"},
		{"Hedenstedt Kommune", "anna@vejle.dk", "Hedensted"},
		{"Odense Kommune", "anna@gmail.com", "Odense"},
	} {
		if got, ok := Match(tt.organisation, tt.email); got.Name != tt.want || !ok {
			t.Errorf("%q, %q: %q, not %q", tt.organisation, tt.email, got.Name, tt.want)
		}
	}
}

func TestMatchNobody(t *testing.T) {
	for _, organisation := range []string{
		"", " ", "-", "Kommune", "Kommunen", "Jobcenter", "kommunal", "Kommunernes Landsforening", "KL", "KOMBIT",
		"Region Midtjylland", "Region Hovedstaden", "Region Sjælland", "Regionshospitalet Randers", "KommuneKredit",
		"Aarhus Universitet", "Københavns Universitet", "Aalborg University", "Odense Universitetshospital",
		"Nordea Odense", "Nordea, Odense", "Odense Gymnasium", "Randers Politi", "Fyns Politi, Odense", "Vejle ApS",
		"Kolding A/S", "Holding A/S", "Holding", "Aarhus Festuge", "Herning Folkeblad", "Silkeborg IF", "Viborg Stift",
		"Copenhagen Business School", "Hotel Nyborg Strand", "Domstolen i Roskilde", "HK Kommunal Aarhus",
		"FOA Vejle", "Hedenstedt", "Kolding Kom Godt i Gang", "Kommune Nordea Odense",
		// other places with a kommune of their own, now or before 2007
		"Hørning Kommune", "Ramsø Kommune", "Vojens Kommune", "Hårlev Kommune", "Nr. Djurs Kommune",
		"Midtdjurs Kommune", "Borgholms kommun", "Vardø kommune", "Malmö kommun", "Kommuneqarfik Sermersooq",
		"Lolland-Falster Kommune",
		"Min kommune", "Danske kommuner", "Alle landets kommuner", "Store Kommune", "Vestegnens kommuner",
		// two of them
		"Ishøj og Vallensbæk Kommuner", "Ishøj & Vallensbæk Kommune", "Vejle Kommune, Odense Kommune", "Vejle, Odense",
		"Hedenstedt Kommune og Vejle Kommune",
	} {
		for _, email := range []string{"", "anna@gmail.com", "anna@rm.dk", "anna@xaarhus.dk", "aarhus.dk", "@"} {
			if got, ok := Match(organisation, email); ok {
				t.Errorf("%q, %q is %q", organisation, email, got.Name)
			}
		}
	}
}

func FuzzMatch(f *testing.F) {
	for _, seed := range []string{
		"Hedensted Kommune, HR", "A\u030arhus", "HR - Ringkøbing-Skjern Kommune", "Bornholms Regionskommune", "A/S",
		"City of Copenhagen", "ishøj og vallensbæk kommuner", "kommunekommunekommune", "\xff\u00ad'&", "ǅ ﬁ İ ß",
	} {
		f.Add(seed, "anna@mail.aarhus.dk")
	}
	f.Fuzz(func(t *testing.T, organisation, email string) {
		m, ok := Match(organisation, email)
		if ok != (m.Code != "") {
			t.Errorf("%t: %+v", ok, m)
		}
		folded := unfold(fold(organisation))
		if again := unfold(fold(folded)); again != folded {
			t.Errorf("%q is folded to %q and that to %q", organisation, folded, again)
		}
		if got, _ := Match(folded, email); got.Code != m.Code {
			t.Errorf("%q is %q, and folded, as %q, %q", organisation, m.Name, folded, got.Name)
		}
		if got, _ := Match("  "+strings.ReplaceAll(organisation, " ", "\u00a0"), email); got.Code != m.Code {
			t.Errorf("%q is %q, and with other spaces %q", organisation, m.Name, got.Name)
		}
	})
}
