package console

import (
	"maps"
	"net/http"
	"net/url"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/organiser"
	"deltag/internal/web"
)

// An attendeesView is the list of an event's attendees: a page of those that the filters pick.
type attendeesView struct {
	organiser.AttendeePage
	Columns      []column
	Rows         []attendeeRow
	Choices      []web.Option // of columns
	Filters      []filter
	Search       string
	KeptSort     string // that the form of the filters sends along
	FiltersOpen  bool
	IsFiltered   bool
	IsFirst      bool
	Path         string // of the list without filters and choice of columns
	Unfiltered   string
	FirstPage    string
	NextPage     string
	CSV, XLSX    []exportLink
	AddressesURL string
	Addresses    *addressesView // nil: not asked for
	EventURL     string         // the public page
	Kept         []hiddenField  // the filters
	HasStarted   bool           // so that somebody may have attended
}

// An exportLink is a file, or one of several of a long list.
type exportLink struct{ Href, Text string }

func (s *site) attendees(w http.ResponseWriter, r *http.Request, p *page) error {
	values := attendeeValues(r.URL.Query())
	q, err := organiser.ParseAttendeeQuery(values)
	if err != nil {
		return err
	}
	path := eventPath(r.PathValue("id")) + "/attendees"
	found, err := s.Organiser.Attendees(r.Context(), p.caller(), r.PathValue("id"), q)
	if invalid, err := fieldErrors(err); err != nil {
		return err
	} else if invalid.ForField("cursor") != nil { // of a list that has changed too much
		values.Del("cursor")
		return web.SeeOther(w, withQuery(path, values))
	} else if invalid != nil {
		return invalid
	}
	p.Title, p.Event = p.Text("console.attendees.title", "event", found.Event.Title), &found.Event
	p.Path = withQuery(path, values)
	v := s.newAttendeesView(p, path, values, q, found)
	if r.URL.Query().Get("addresses") != "" {
		all := organiser.Selection{All: true, Query: q}
		if v.Addresses, err = s.addresses(r.Context(), p, found.Event.ID, all); err != nil {
			return err
		}
		p.Script = web.Asset(files, "copy.js")
	}
	return p.render(w, http.StatusOK, "attendees", v)
}

func (s *site) newAttendeesView(
	p *page, path string, values url.Values, q organiser.AttendeeQuery, found organiser.AttendeePage,
) attendeesView {
	v := attendeesView{
		AttendeePage: found, Filters: p.filters(found.Event, q),
		Search: q.Search, KeptSort: string(q.Sort), IsFiltered: q.IsFiltered(), IsFirst: q.Cursor == "", Path: path,
		EventURL: s.BaseURL + "/e/" + found.Event.Slug, HasStarted: !p.now.Before(found.Event.StartsAt),
	}
	all := p.columns(found.Event)
	v.Columns, v.Choices = p.chosenColumns(all, values["columns"])
	for i := range v.Columns {
		v.Columns[i].sortBy(path, values, found.Sort)
	}
	for _, a := range found.Attendees {
		v.Rows = append(v.Rows, newAttendeeRow(a, v.Columns))
	}
	q.Search = ""
	v.FiltersOpen = q.IsFiltered()
	kept := maps.Clone(values)
	kept.Set("all", deltag.CheckedValue)
	for _, field := range selectionFields(kept) {
		if field.Name != "all" { // which is a box to tick
			v.Kept = append(v.Kept, field)
		}
	}
	v.Unfiltered = withQuery(path, only(values, "columns"))
	v.FirstPage = withQuery(path, without(values, "cursor"))
	v.AddressesURL = withQuery(path, with(without(values, "cursor"), "addresses", "yes")) + "#addresses"
	if found.Next != "" {
		v.NextPage = withQuery(path, with(values, "cursor", found.Next))
	}
	v.CSV = p.exportLinks(path+".csv", values, found.Total, "CSV")
	v.XLSX = p.exportLinks(path+".xlsx", values, found.Total, "Excel")
	return v
}

// exportLinks are the files of a list: one, or as many as Lambda's limit of an answer makes of it.
func (p *page) exportLinks(path string, values url.Values, total int, format string) (links []exportLink) {
	values = without(without(values, "cursor"), "columns")
	parts := organiser.ExportParts(total)
	if parts == 1 {
		return []exportLink{{withQuery(path, values), p.Text("console.attendees.export", "format", format)}}
	}
	for n := 1; n <= parts; n++ {
		links = append(links, exportLink{
			withQuery(path, with(values, "part", organiser.ExportPart{Number: n, Of: parts}.String())),
			p.Text("console.attendees.export-part", "format", format, "n", n, "of", parts),
		})
	}
	return links
}

// ShortTime is a time in a table: "23. november kl. 10.00".
func (p *page) ShortTime(e deltag.Event, t time.Time) string {
	local := t.In(e.Zone())
	return p.Text("console.attendees.time", "day", local.Day(),
		"month", p.Text("date.month."+local.Format("1")), "clock", p.TimeOfDay(t, e.Zone()))
}

// StatusName is the status of a registration in a word or two.
func (p *page) StatusName(s deltag.RegistrationStatus) string {
	return p.Text("csv.status." + string(s))
}

// MailProblem says what is wrong with an address, "" for nothing.
func (p *page) MailProblem(s deltag.AddressStatus) string {
	if s == deltag.AddressOK {
		return ""
	}
	return p.Text("csv.mail." + string(s))
}
