package console

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/organiser"
	"deltag/internal/web"
)

// An attendeesView is the list of an event's attendees: a page of those that the filters pick.
type attendeesView struct {
	organiser.AttendeePage
	Columns      []sortColumn
	Filters      []filter
	Search       string
	KeptSort     string // that the form of the filters sends along
	FiltersOpen  bool
	IsFiltered   bool
	IsFirst      bool
	Path         string // of the list without filters
	FirstPage    string
	NextPage     string
	CSV, XLSX    []exportLink
	AddressesURL string
	Addresses    string // one a line
	AddressCount int

	AskedAddresses bool
	EventURL       string // the public page
	HasStarted     bool   // so that somebody may have attended
}

// A sortColumn is a column with the link to sort by it.
type sortColumn struct{ Label, Href, AriaSort string }

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
		if err := s.addAddresses(r, p, q, &v); err != nil {
			return err
		}
	}
	return p.render(w, http.StatusOK, "attendees", v)
}

func (s *site) newAttendeesView(
	p *page, path string, values url.Values, q organiser.AttendeeQuery, found organiser.AttendeePage,
) attendeesView {
	v := attendeesView{
		AttendeePage: found, Columns: p.sortColumns(path, values, found.Sort), Filters: p.filters(found.Event, q),
		Search: q.Search, KeptSort: string(q.Sort), IsFiltered: q.IsFiltered(), IsFirst: q.Cursor == "", Path: path,
		EventURL: s.BaseURL + "/e/" + found.Event.Slug, HasStarted: !p.now.Before(found.Event.StartsAt),
	}
	q.Search = ""
	v.FiltersOpen = q.IsFiltered()
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
	values = without(values, "cursor")
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

// sortColumns are the heads of the table. A press sorts from the first to the last, and a second one the other way; the
// date begins with the latest.
func (p *page) sortColumns(path string, values url.Values, sort organiser.AttendeeSort) (columns []sortColumn) {
	for _, by := range []organiser.AttendeeSort{
		organiser.SortName, organiser.SortOrganisation, organiser.SortEmail, organiser.SortStatus,
		organiser.SortRegisteredAt,
	} {
		next, aria := by, ""
		if by == organiser.SortRegisteredAt {
			next = organiser.SortLatest
		}
		if by == sort.By() {
			next, aria = sort.Reversed(), "ascending"
			if sort.Descending() {
				aria = "descending"
			}
		}
		columns = append(columns, sortColumn{
			p.Text("console.attendees.column." + string(by)),
			withQuery(path, with(without(values, "cursor"), "sort", string(next))), aria,
		})
	}
	return columns
}

// addAddresses adds the addresses of all who are found and may be written to. Who has cancelled is written to only if
// the organiser asks for them.
func (s *site) addAddresses(r *http.Request, p *page, q organiser.AttendeeQuery, v *attendeesView) error {
	q.Cursor, q.Sort = "", organiser.SortName
	_, attendees, err := s.Organiser.ExportAttendees(
		r.Context(), p.caller(), v.Event.ID, q, organiser.ExportPart{})
	if err != nil {
		return err
	}
	var all []string
	for a, err := range attendees {
		if err != nil {
			return err
		}
		if a.MayBeWrittenTo() && (a.Status != deltag.RegistrationCancelled || q.Status == a.Status) {
			all = append(all, a.Email)
		}
	}
	v.Addresses, v.AddressCount, v.AskedAddresses = strings.Join(all, "\n"), len(all), true
	return nil
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
