package console

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/organiser"
	"deltag/internal/personaldata"
	"deltag/internal/web"
)

// personFile is what is stored of an address, for the person who asks for it. What is left out are keys, which say nothing
// about anybody: the secrets of links, and the hashes that an address's items are under. NotInThisFile says what else there
// may be.
type personFile struct {
	Email         string                 `json:"email"`
	ComparedAs    string                 `json:"emailComparedAs"`
	ReadAt        time.Time              `json:"readAt"`
	Events        []personaldata.AtEvent `json:"events"`
	ContactOf     []personaldata.Event   `json:"contactOf"` // events with the address as the organiser's
	Erasures      []fileErasure          `json:"erasures"`
	Address       fileAddress            `json:"address"`
	Member        *fileMember            `json:"member"`
	NotInThisFile string                 `json:"notInThisFile"` // a sentence
}

// A fileErasure is the record of an erasure on request.
type fileErasure struct {
	Event    personaldata.Event `json:"event"`
	ErasedAt time.Time          `json:"erasedAt"`
}

// fileAddress is what is stored under hashes of the address, for all events.
type fileAddress struct {
	Mail          deltag.AddressStatus `json:"mail"` // ok, bounced or complained
	Since         *time.Time           `json:"since"`
	ReceivedUntil *time.Time           `json:"receivedMailKnownUntil"`
	MailsOfDay    map[string]int       `json:"mailsOfDay"` // to the mailbox, by day (UTC)
}

// A fileMember is who can sign in, or could. Their sessions and access tokens are kept under hashes of random values.
type fileMember struct {
	Email       string              `json:"email"`
	Role        deltag.Role         `json:"role"` // "": none, any more
	Language    deltag.Language     `json:"language"`
	CreatedAt   time.Time           `json:"createdAt"`
	SignedOutAt *time.Time          `json:"signedOutEverywhereAt"`
	Links       []time.Time         `json:"linksOfTheLastHour"`
	Mails       []personaldata.Mail `json:"mails"`
}

func newPersonFile(found organiser.Person, role deltag.Role, now time.Time) personFile {
	f := personFile{
		Email: found.Address.Original, ComparedAs: found.Address.Normalized, ReadAt: now,
		Events: []personaldata.AtEvent{}, ContactOf: []personaldata.Event{}, Erasures: []fileErasure{},
		Address: fileAddress{
			Mail: found.Record.Status, Since: timeOrNull(found.Record.Since),
			ReceivedUntil: timeOrNull(found.Record.ReceivedUntil), MailsOfDay: map[string]int{},
		},
	}
	for _, t := range found.Traces {
		event := personaldata.NewEvent(t.Event)
		if t.Registration != nil || len(t.Deliveries) > 0 {
			f.Events = append(f.Events, personaldata.New(t.Event, t.Registration, t.Deliveries))
		}
		if t.IsContact {
			f.ContactOf = append(f.ContactOf, event)
		}
		for _, at := range t.ErasedAt {
			f.Erasures = append(f.Erasures, fileErasure{event, at})
		}
	}
	for _, c := range found.Record.Mails {
		f.Address.MailsOfDay[c.Day] = c.N
	}
	m := cmp.Or(found.Record.Member, &deltag.Member{Email: found.Address})
	if found.Record.Member != nil || role != "" || len(found.Record.AccountMails) > 0 {
		f.Member = &fileMember{
			Email: m.Email.Original, Role: role, Language: m.Language, CreatedAt: m.CreatedAt,
			SignedOutAt: timeOrNull(m.SignedOutAt), Links: []time.Time{},
			Mails: personaldata.NewMails(found.Record.AccountMails),
		}
		for _, l := range m.Links {
			f.Member.Links = append(f.Member.Links, l.IssuedAt)
		}
	}
	return f
}

// timeOrNull is t, or null for what never happened.
func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func (p *page) exportPerson(w http.ResponseWriter, role deltag.Role, found organiser.Person) error {
	content := newPersonFile(found, role, p.now)
	content.NotInThisFile = p.Text("console.people.elsewhere.file")
	file, err := personaldata.Encode(content)
	if err != nil {
		return err
	}
	web.ForbidIndexing(w)
	web.BeginFile(w, "application/json; charset=utf-8", "deltag-person.json")
	_, _ = w.Write(file) // an error means that the reader is gone
	return nil
}

// writeReceipt writes which erasures there are records of. It can be asked for as long as these are kept: until the
// people of the event are erased. It names neither the person nor the address.
func (p *page) writeReceipt(w http.ResponseWriter, found organiser.Person) error {
	lines := []string{
		p.Text("console.people.receipt.title"), "",
		p.Text("console.people.receipt.made", "time", p.Long(p.now)),
		p.Text("console.people.erasures.text"), "",
	}
	rows := p.Erasures(found)
	for _, row := range rows {
		lines = append(lines, "- "+row)
	}
	lines = append(lines, "", p.Text("console.people.receipt.count", "n", len(rows)), "")
	web.ForbidIndexing(w)
	web.BeginFile(w, "text/plain; charset=utf-8", "deltag-receipt.txt")
	_, _ = w.Write([]byte(strings.Join(lines, "\r\n"))) // Notepad's line ends; an error means that the reader is gone
	return nil
}

// Erasures are the records of erasures in words, the first first.
func (p *page) Erasures(found organiser.Person) []string {
	type erasure struct {
		at   time.Time
		text string
	}
	var all []erasure
	for _, t := range found.Traces {
		for _, at := range t.ErasedAt {
			all = append(all, erasure{at, p.Text("console.people.erasures.row",
				"title", t.Event.Title, "date", p.Date(t.Event.StartsAt, t.Event.Zone()), "time", p.When(t.Event, at))})
		}
	}
	slices.SortStableFunc(all, func(a, b erasure) int { return a.at.Compare(b.at) })
	var rows []string
	for _, e := range all {
		rows = append(rows, e.text)
	}
	return rows
}
