package console

import (
	"net/http"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/organiser"
)

// A signUpsView is a part of a page: when people signed up, and where they come from. Its template is "sign-ups".
type signUpsView struct {
	Page          *page
	Event         deltag.Event
	Total         int // who signed up, those too who have cancelled since
	Chart         *chart
	Days          []chartBar // with sign-ups, the latest first
	Organisations []organisationBar
	MoreOrganised int // organisations that are not listed
	AreErased     bool
}

// An organisationBar is an organisation in a list of bars.
type organisationBar struct {
	Name           string
	IsMunicipality bool
	People         int
	Share          int // of the largest, in percent
}

// maxOrganisations is how many organisations are listed.
const maxOrganisations = 20

// signUpsPage shows the part on a page of its own.
func (s *site) signUpsPage(w http.ResponseWriter, r *http.Request, p *page) error {
	e, n, err := s.Organiser.SignUps(r.Context(), p.caller(), r.PathValue("id"))
	if err != nil {
		return err
	}
	p.Title, p.Event = p.Text("console.signups.title"), &e
	return p.render(w, http.StatusOK, "sign-ups", p.newSignUps(e, n))
}

func (p *page) newSignUps(e deltag.Event, n organiser.SignUps) signUpsView {
	v := signUpsView{Page: p, Event: e, AreErased: !p.now.Before(e.RetentionEndsAt())}
	for _, people := range n.ByDay {
		v.Total += people
	}
	if v.Total > 0 {
		v.Chart = p.newChart(e, n.ByDay)
		v.Days = v.Chart.latest()
	}
	for _, g := range n.Organisations {
		switch {
		case g.Name == "":
		case len(v.Organisations) < maxOrganisations:
			first := g.People
			if len(v.Organisations) > 0 {
				first = v.Organisations[0].People
			}
			v.Organisations = append(v.Organisations, organisationBar{
				Name: g.Name, IsMunicipality: g.Region != "", People: g.People, Share: max(1, 100*g.People/first),
			})
		default:
			v.MoreOrganised++
		}
	}
	return v
}

// dayText is a day without its year: "3. november".
func (p *page) dayText(day time.Time) string {
	month := p.Text("date.month." + day.Format("1"))
	return p.Text("console.signups.day", "day", day.Day(), "month", month)
}
