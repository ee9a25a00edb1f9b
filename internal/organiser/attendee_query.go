package organiser

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"deltag/internal/deltag"
)

// An AttendeeQuery picks attendees and says how to sort them. The zero value picks all.
type AttendeeQuery struct {
	Search   string // words that all stand in name, address or organisation; see newSearchText
	Status   deltag.RegistrationStatus
	Mail     deltag.AddressStatus
	Attended *bool
	Updates  *bool             // wants to hear of later events
	Answers  map[string]string // by question id: an answer, a part of one that was typed, or NoAnswer
	// Not names filters that pick all others: "status", "mail", or "answers.<question id>".
	Not    []string
	Sort   AttendeeSort
	Cursor string
}

// ParseAttendeeQuery reads a query from the parameters of an address: q, status, mail, attended, updates, not, sort, cursor
// and answers.<question id>. What is empty picks all. ValidationErrors.
func ParseAttendeeQuery(values url.Values) (q AttendeeQuery, err error) {
	q = AttendeeQuery{
		Search: values.Get("q"), Status: deltag.RegistrationStatus(values.Get("status")),
		Mail: deltag.AddressStatus(values.Get("mail")), Not: values["not"],
		Sort: AttendeeSort(values.Get("sort")), Cursor: values.Get("cursor"),
	}
	var invalid deltag.ValidationErrors
	yesNo := func(name string) *bool {
		switch values.Get(name) {
		case "":
			return nil
		case "yes", "no":
			return new(values.Get(name) == "yes")
		}
		invalid = append(invalid, deltag.FieldError{Field: name, Code: "bad-parameter"})
		return nil
	}
	q.Attended, q.Updates = yesNo("attended"), yesNo("updates")
	for name := range values {
		if id, ok := strings.CutPrefix(name, "answers."); ok {
			if q.Answers == nil {
				q.Answers = map[string]string{}
			}
			q.Answers[id] = values.Get(name)
		}
	}
	return q, invalid.Err()
}

// NoAnswer picks those who have not answered a question.
const NoAnswer = "-"

// An AttendeeSort is what attendees are sorted by; with a minus sign in front, from the last to the first.
type AttendeeSort string

// What can be sorted by. SortLatest is how a list is sorted that is short enough to be sorted without being asked.
const (
	SortName         AttendeeSort = "name"
	SortEmail        AttendeeSort = "email"
	SortOrganisation AttendeeSort = "organisation"
	SortStatus       AttendeeSort = "status"
	SortRegisteredAt AttendeeSort = "registeredAt"
	SortLatest       AttendeeSort = "-registeredAt"
)

// AttendeeSorts lists all that can be sorted by.
var AttendeeSorts = []AttendeeSort{SortName, SortEmail, SortOrganisation, SortStatus, SortRegisteredAt}

// Descending says whether s begins with the last, and By what it sorts by.
func (s AttendeeSort) Descending() bool { return strings.HasPrefix(string(s), "-") }

func (s AttendeeSort) By() AttendeeSort { return AttendeeSort(strings.TrimPrefix(string(s), "-")) }

// Reversed is the other direction.
func (s AttendeeSort) Reversed() AttendeeSort {
	if s.Descending() {
		return s.By()
	}
	return "-" + s
}

// IsFiltered says whether q picks some only.
func (q AttendeeQuery) IsFiltered() bool {
	return q.Search != "" || q.Status != "" || q.Mail != "" || q.Attended != nil || q.Updates != nil ||
		len(q.Answers) > 0
}

// maxSearch is the longest search, in characters.
const maxSearch = 200

// validate returns ValidationErrors.
func (q AttendeeQuery) validate(e deltag.Event) error {
	var invalid deltag.ValidationErrors
	require := func(ok bool, field, code string) {
		if !ok {
			invalid = append(invalid, deltag.FieldError{Field: field, Code: code})
		}
	}
	mails := []deltag.AddressStatus{
		deltag.AddressOK, deltag.AddressBounced, deltag.AddressComplained, deltag.AddressUnsubscribed,
	}
	if utf8.RuneCountInString(q.Search) > maxSearch {
		invalid = append(invalid, deltag.FieldError{Field: "q", Code: "too-long", Limit: maxSearch})
	}
	require(q.Status == "" || slices.Contains(deltag.RegistrationStatuses, q.Status), "status", "unknown-status")
	require(q.Mail == "" || slices.Contains(mails, q.Mail), "mail", "unknown-status")
	require(q.Sort == "" || slices.Contains(AttendeeSorts, q.Sort.By()), "sort", "bad-parameter")
	for _, id := range slices.Sorted(maps.Keys(q.Answers)) {
		_, known := e.Question(id)
		require(known, "answers."+id, "unknown-question")
	}
	for _, name := range q.Not {
		id, isAnswer := strings.CutPrefix(name, "answers.")
		_, isFiltered := q.Answers[id]
		require(name == "status" || name == "mail" || isAnswer && isFiltered, "not", "bad-parameter")
	}
	return invalid.Err()
}

// A matcher is a query, prepared for many attendees. It may be used by several goroutines.
type matcher struct {
	AttendeeQuery
	search  searchText
	answers map[string]answerMatcher
}

type answerMatcher struct {
	value    string
	isTyped  bool
	contains searchText // of a question that is answered with a text
	not      bool
}

func (q AttendeeQuery) matcher(e deltag.Event) matcher {
	m := matcher{AttendeeQuery: q, search: newSearchText(q.Search), answers: map[string]answerMatcher{}}
	for id, value := range q.Answers {
		question, _ := e.Question(id)
		isTyped := question.Kind == deltag.QuestionShortText || question.Kind == deltag.QuestionLongText
		m.answers[id] = answerMatcher{value, isTyped, newSearchText(value), q.excludes("answers." + id)}
	}
	return m
}

func (q AttendeeQuery) excludes(filter string) bool { return slices.Contains(q.Not, filter) }

func (m matcher) matches(a deltag.Attendee) bool {
	switch {
	case m.Status != "" && (a.Status == m.Status) == m.excludes("status"),
		m.Mail != "" && (a.AddressStatus == m.Mail) == m.excludes("mail"),
		m.Attended != nil && *m.Attended == a.AttendedAt.IsZero(),
		m.Updates != nil && *m.Updates != a.AllowsNews:
		return false
	}
	for id, answer := range m.answers {
		if answer.matches(a.Answers[id]) == answer.not {
			return false
		}
	}
	return m.search.matches(a.Name, a.Email, a.Organisation)
}

func (m answerMatcher) matches(given []string) bool {
	switch {
	case m.value == NoAnswer:
		return len(given) == 0
	case m.isTyped:
		return len(given) > 0 && m.contains.matches(given...)
	}
	return slices.Contains(given, m.value)
}

// A position is where an attendee stands in a sorted list. No two have the same.
type position struct{ Key, ID string }

func (p position) compare(other position, s AttendeeSort) int {
	byKey := cmp.Compare(p.Key, other.Key)
	if s.Descending() {
		byKey = -byKey
	}
	return cmp.Or(byKey, cmp.Compare(p.ID, other.ID))
}

// positionOf is a's position in a list that is sorted by s.
func (s AttendeeSort) positionOf(a deltag.Attendee) position {
	key := ""
	switch s.By() {
	case SortName:
		key = collationKey(a.Name)
	case SortEmail:
		key = strings.ToLower(a.Email)
	case SortOrganisation:
		key = collationKey(a.Organisation)
		if key == "" {
			key = "\U0010ffff" // those without one come last
		}
	case SortStatus:
		key = string('0' + rune(slices.Index(deltag.RegistrationStatuses, a.Status)))
	case SortRegisteredAt:
		key = a.RegisteredAt.UTC().Format("2006-01-02T15:04:05.000000000")
	}
	return position{key, a.ID}
}

// sorted are attendees in the order of s.
func (s AttendeeSort) sorted(all []deltag.Attendee) []deltag.Attendee {
	placed := make([]placedAttendee, len(all))
	for i, a := range all {
		placed[i] = placedAttendee{s.positionOf(a), a}
	}
	sortPlaced(placed, s)
	for i := range placed {
		all[i] = placed[i].Attendee
	}
	return all
}

type placedAttendee struct {
	position
	deltag.Attendee
}

func sortPlaced(all []placedAttendee, s AttendeeSort) {
	slices.SortFunc(all, func(a, b placedAttendee) int { return a.position.compare(b.position, s) })
}

// A cursor is behind the last attendee of a page. It is sealed: see sealCursor.
type attendeeCursor struct {
	After position
	Sort  AttendeeSort
}

func (c attendeeCursor) seal(e deltag.Event) string {
	plain, err := json.Marshal(c)
	if err != nil {
		panic(err) // strings always encode
	}
	return sealCursor(e.Secret, plain)
}

// openAttendeeCursor opens a cursor, "" for the first page. ValidationErrors: it belongs to another list.
func openAttendeeCursor(e deltag.Event, q AttendeeQuery) (after *position, err error) {
	if q.Cursor == "" {
		return nil, nil
	}
	var c attendeeCursor
	plain, ok := openCursor(e.Secret, q.Cursor)
	if !ok || json.Unmarshal(plain, &c) != nil || c.Sort != q.Sort {
		return nil, deltag.ValidationErrors{{Field: "cursor", Code: "bad-cursor"}}
	}
	return &c.After, nil
}
