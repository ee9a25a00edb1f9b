package console

import (
	"slices"
	"strings"

	"deltag/internal/deltag"
	"deltag/internal/organiser"
	"deltag/internal/web"
)

// A column is one of the list of attendees.
type column struct {
	ID, Label     string
	LabelLanguage deltag.Language // "": the page's
	Class         string          // of its cells
	Sort          organiser.AttendeeSort
	Href          string // sorts by it; "" of what can't be sorted by
	AriaSort      string

	byDefault bool
	cell      func(deltag.Attendee) cell
}

// A cell is a text and, behind it, marks.
type cell struct {
	Text string
	Tags []tag
}

type tag struct{ Text, Class string }

// An attendeeRow has a cell for each column but the name's, which is the row's heading.
type attendeeRow struct {
	deltag.Attendee
	Cells []attendeeCell
}

type attendeeCell struct {
	column
	cell
}

func newAttendeeRow(a deltag.Attendee, columns []column) attendeeRow {
	row := attendeeRow{Attendee: a}
	for _, c := range columns[1:] {
		row.Cells = append(row.Cells, attendeeCell{c, c.cell(a)})
	}
	return row
}

// alwaysShown are the columns that can't be taken away: they tell who somebody is.
var alwaysShown = []string{"name", "email"}

// columns are all there are, the name's first.
func (p *page) columns(e deltag.Event) []column {
	text := func(of func(deltag.Attendee) string) func(deltag.Attendee) cell {
		return func(a deltag.Attendee) cell { return cell{Text: of(a)} }
	}
	yesOrNo := func(yes bool) string { return p.Text("csv." + yesNo(&yes)) }
	all := []column{
		{ID: "name", Sort: organiser.SortName},
		{ID: "organisation", Sort: organiser.SortOrganisation, byDefault: true,
			cell: text(func(a deltag.Attendee) string { return a.Organisation })},
		{ID: "role", cell: text(func(a deltag.Attendee) string { return a.JobTitle })},
		{ID: "email", Sort: organiser.SortEmail, cell: func(a deltag.Attendee) cell {
			return cell{a.Email, p.mailTags(a.AddressStatus)}
		}},
		{ID: "status", Class: "state", Sort: organiser.SortStatus, byDefault: true, cell: p.statusCell},
		{ID: "mail", cell: text(func(a deltag.Attendee) string { return p.Text("csv.mail." + string(a.AddressStatus)) })},
		{ID: "attended", cell: text(func(a deltag.Attendee) string { return yesOrNo(!a.AttendedAt.IsZero()) })},
		{ID: "updates", cell: text(func(a deltag.Attendee) string { return p.NewsConsentText(a) })},
	}
	for i := range all {
		all[i].Label = p.Text("console.attendees.column." + all[i].ID)
	}
	for _, q := range e.Questions {
		c := column{ID: "answers." + q.ID, Label: q.Label, Class: "answer"}
		if e.Language != p.Language {
			c.LabelLanguage = e.Language
		}
		c.cell = text(func(a deltag.Attendee) string { return p.answerText(q, a.Answers[q.ID]) })
		all = append(all, c)
	}
	return append(all, column{
		ID: "registeredAt", Label: p.Text("console.attendees.column.registeredAt"), Class: "when",
		Sort: organiser.SortRegisteredAt, byDefault: true,
		cell: text(func(a deltag.Attendee) string { return p.ShortTime(e, a.RegisteredAt) }),
	})
}

// NewsConsentText says whether somebody wants to hear of later events.
func (p *page) NewsConsentText(a deltag.Attendee) string {
	return p.Text("csv." + string(a.NewsConsent()))
}

func (p *page) answerText(q deltag.Question, given []string) string {
	if q.Kind == deltag.QuestionCheckbox && slices.Contains(given, deltag.CheckedValue) {
		return p.Text("csv.yes")
	}
	return strings.Join(given, ", ")
}

func (p *page) statusCell(a deltag.Attendee) cell {
	tags := []tag{{p.StatusName(a.Status), string(a.Status)}}
	if !a.AttendedAt.IsZero() {
		tags = append(tags, tag{Text: p.Text("console.attendees.came")})
	}
	return cell{Tags: tags}
}

func (p *page) mailTags(s deltag.AddressStatus) []tag {
	problem := p.MailProblem(s)
	if problem == "" {
		return nil
	}
	return []tag{{problem, "bad"}}
}

// chosenColumns are those of all that an address names, and the choice itself. A name that is not known, as of a question
// that is not asked any more, is passed over: the address may be an old one that somebody has kept.
func (p *page) chosenColumns(all []column, named []string) (chosen []column, choices []web.Option) {
	for _, c := range all {
		isFixed := slices.Contains(alwaysShown, c.ID)
		isChosen := slices.Contains(named, c.ID) || named == nil && c.byDefault
		if isFixed || isChosen {
			chosen = append(chosen, c)
		}
		if !isFixed {
			choices = append(choices, web.Option{Value: c.ID, Label: c.Label, Selected: isChosen})
		}
	}
	return chosen, choices
}

// sortBy makes the head of a column a link. A press sorts from the first to the last, and a second one the other way; the
// date begins with the latest.
func (c *column) sortBy(path string, values map[string][]string, current organiser.AttendeeSort) {
	if c.Sort == "" {
		return
	}
	next := c.Sort
	if c.Sort == organiser.SortRegisteredAt {
		next = organiser.SortLatest
	}
	if c.Sort == current.By() {
		next, c.AriaSort = current.Reversed(), "ascending"
		if current.Descending() {
			c.AriaSort = "descending"
		}
	}
	c.Href = withQuery(path, with(without(values, "cursor"), "sort", string(next)))
}
