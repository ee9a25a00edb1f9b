package console

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"

	"deltag/internal/deltag"
	"deltag/internal/municipality"
	"deltag/internal/web"
)

// A coverageView says who of the expected organisations is there, who is missing, and who else has come.
type coverageView struct {
	Event        deltag.Event
	Pasted       string // the organiser's own list; "" for the municipalities
	Summary      string // "47 af 98 kommuner er med"
	There        []municipality.Group
	Missing      []missingRegion
	Others       []municipality.Group // the first maxOthers
	MoreOthers   int                  // organisations after those
	Unnamed      int                  // people who named none
	AreErased    bool
	CSV          string // its path
	Form         *web.Form
	Present, All int
}

// A missingRegion is who is missing in a region. Name is "" for a list of one's own, which has none.
type missingRegion struct {
	Name         string
	Present, All int
	Names        []string
}

// maxOthers is how many organisations that nobody expected are listed.
const maxOthers = 50

// coverage compares with the municipalities or, when it was posted, with a list that is not stored.
func (s *site) coverage(w http.ResponseWriter, r *http.Request, p *page) error {
	pasted := r.PostForm.Get("expected")
	e, c, err := s.Organiser.Coverage(r.Context(), p.caller(), r.PathValue("id"), pasted)
	invalid, err := fieldErrors(err)
	if err != nil {
		return err
	}
	v := coverageView{Event: e, CSV: eventPath(e.ID) + "/coverage.csv", AreErased: !p.now.Before(e.RetentionEndsAt())}
	v.Form = p.expectedForm(r, pasted, invalid)
	p.Title, p.Path, p.Event = p.Text("console.coverage.title"), eventPath(e.ID)+"/coverage", &e
	if invalid != nil {
		return p.render(w, http.StatusUnprocessableEntity, "coverage", v)
	}
	v.Pasted = deltag.TrimBlank(pasted)
	v.fill(c)
	v.Summary = p.Text("console.coverage.summary", "n", v.Present, "of", v.All)
	if v.Pasted == "" {
		v.Summary = p.Text("console.coverage.municipalities", "n", v.Present, "of", v.All)
	}
	return p.render(w, http.StatusOK, "coverage", v)
}

func (p *page) expectedForm(r *http.Request, pasted string, invalid deltag.ValidationErrors) *web.Form {
	f := p.NewForm([]web.Field{{
		Name: "expected", Label: p.Text("console.coverage.expected"), Kind: "long", Value: pasted, Required: true,
		Hint: p.Text("console.coverage.expected.hint"),
	}}, invalid)
	f.Action, f.Submit = eventPath(r.PathValue("id"))+"/coverage", p.Text("console.coverage.compare")
	return f
}

func (v *coverageView) fill(c municipality.Coverage) {
	v.All = len(c.Expected)
	regions := map[string]*missingRegion{}
	for _, g := range c.Expected {
		name := g.Region
		if v.Pasted != "" {
			name = ""
		}
		if regions[name] == nil {
			regions[name] = &missingRegion{Name: name}
		}
		region := regions[name]
		region.All++
		if g.People > 0 {
			v.Present++
			region.Present++
			v.There = append(v.There, g)
			continue
		}
		region.Names = append(region.Names, g.Name)
	}
	for _, region := range regions {
		if len(region.Names) > 0 {
			v.Missing = append(v.Missing, *region)
		}
	}
	slices.SortFunc(v.Missing, func(a, b missingRegion) int { return cmp.Compare(a.Name, b.Name) })
	v.fillOthers(c.Others)
}

func (v *coverageView) fillOthers(others []municipality.Group) {
	for _, g := range others {
		switch {
		case g.Name == "":
			v.Unnamed = g.People
		case len(v.Others) < maxOthers:
			v.Others = append(v.Others, g)
		default:
			v.MoreOthers++
		}
	}
}

// coverageCSV is the expected organisations as a file, those who are missing with no people.
func (s *site) coverageCSV(w http.ResponseWriter, r *http.Request, p *page) error {
	e, c, err := s.Organiser.Coverage(r.Context(), p.caller(), r.PathValue("id"), r.PostForm.Get("expected"))
	if err != nil {
		return err
	}
	web.BeginFile(w, web.CSVType, e.Slug+"-"+p.Text("console.coverage.csv.file")+".csv")
	out := web.NewCSVWriter(w)
	var head []string
	for _, column := range []string{"name", "region", "people"} {
		head = append(head, p.Text("console.coverage.csv."+column))
	}
	_ = out.Write(head) // the client is gone if a write fails
	for _, g := range c.Expected {
		_ = out.Write([]string{web.EscapeFormula(g.Name), g.Region, strconv.Itoa(g.People)})
	}
	out.Flush()
	return nil
}

// People is a number of people in words.
func (p *page) People(n int) string {
	if n == 1 {
		return p.Text("console.people.one")
	}
	return p.Text("console.people", "n", p.Number(n))
}

// Number writes a whole number with a separator between thousands.
func (p *page) Number(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + p.Text("console.thousands") + digits[i:]
	}
	return digits
}
