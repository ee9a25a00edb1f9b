package console

import (
	"net/http"
	"net/url"

	"deltag/internal/address"
	"deltag/internal/deltag"
	"deltag/internal/organiser"
	"deltag/internal/web"
)

// A mailsView is what has gone out and what comes, and a page of the mail ledger. The pages after the first, and what
// was found by address, are the ledger alone.
type mailsView struct {
	Event      deltag.Event
	Base       string // path of the event
	IsLedger   bool   // alone
	NeedsHelp  bool
	Bounced    []bouncedPerson
	Failed     []ledgerRow
	NotCounted bool // so that nobody takes it for "all is well"

	Coming, Sent, NotSent []timelineRow
	Personal              []timelineRow // mails to one person at a time, by kind

	Ledger []ledgerRow
	Next   string // query of the next page
	Filter web.Field
	Form   *web.Form // for its Errors
}

// mailsPerPage is how many mails of the ledger are listed at a time.
const mailsPerPage = 50

func (s *site) mails(w http.ResponseWriter, r *http.Request, p *page) error {
	typed, cursor := deltag.TrimBlank(r.URL.Query().Get("email")), r.URL.Query().Get("cursor")
	v := mailsView{Base: eventPath(r.PathValue("id")), IsLedger: typed != "" || cursor != ""}
	p.Title, p.Path = p.Text("console.mails.title"), v.Base+"/mails"
	filter, invalid, err := parseEmailFilter(typed)
	if err != nil {
		return err
	}
	v.Form = p.NewForm([]web.Field{{
		Name: "email", Label: p.Text("console.mails.find"), Kind: "email", Value: typed, Autocomplete: "off",
	}}, invalid)
	v.Filter = v.Form.Fields[0]
	v.Filter.Requirement = "" // a filter is optional anyway
	e, ledger, err := s.Organiser.Deliveries(
		r.Context(), p.caller(), r.PathValue("id"), filter, cursor, mailsPerPage)
	if err != nil {
		return err
	}
	v.Event, p.Event = e, &e
	if invalid != nil {
		return p.render(w, http.StatusUnprocessableEntity, "mails", v)
	}
	v.Ledger = p.ledgerRows(e, v.Base, ledger.Items)
	if ledger.Next != "" {
		v.Next = "?" + url.Values{"cursor": {ledger.Next}}.Encode()
	}
	if !v.IsLedger {
		if err := s.fillReport(r, p, &v); err != nil {
			return err
		}
	}
	return p.render(w, http.StatusOK, "mails", v)
}

// parseEmailFilter reads an address, if one was typed.
func parseEmailFilter(typed string) (organiser.DeliveryFilter, deltag.ValidationErrors, error) {
	if typed == "" {
		return organiser.DeliveryFilter{}, nil, nil
	}
	a, err := address.Parse(typed)
	invalid, err := fieldErrors(err)
	return organiser.DeliveryFilter{Email: a}, invalid, err
}

// A bouncedPerson is somebody whom no mail reaches. Proposal is what the address may be meant to be, or "".
type bouncedPerson struct {
	Name, Email, Proposal, Path string
}

func (s *site) fillReport(r *http.Request, p *page, v *mailsView) error {
	e, report, err := s.Organiser.MailReport(r.Context(), p.caller(), r.PathValue("id"))
	if err != nil {
		return err
	}
	v.NotCounted = report.Outcomes == nil
	for _, r := range report.Bounced {
		v.Bounced = append(v.Bounced, bouncedPerson{
			Name: r.Name, Email: r.Email.Original, Proposal: address.Propose(r.Email),
			Path: v.Base + "/attendees/" + r.ID,
		})
	}
	v.Failed = p.ledgerRows(e, v.Base, report.Failed)
	v.NeedsHelp = len(v.Bounced) > 0 || len(v.Failed) > 0
	for _, t := range report.Timeline {
		row := p.timelineRow(e, t, report.Outcomes)
		switch {
		case isToNobody(t):
		case t.Reason != "":
			v.NotSent = append(v.NotSent, row)
		case t.Status == deltag.MailingPlanned:
			v.Coming = append(v.Coming, row)
		default:
			v.Sent = append(v.Sent, row)
		}
	}
	v.Personal = p.personalRows(report.Outcomes)
	return nil
}
