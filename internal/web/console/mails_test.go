package console

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/i18n"
)

// storeMail puts a mail into the ledger.
func (e eventClient) storeMail(r deltag.Registration, k deltag.MailKind, s deltag.DeliveryStatus, reason deltag.Reason) {
	e.Helper()
	d := deltag.NewDelivery(r, k, r.MailVersion+1, start)
	if k == deltag.KindPreview || k == deltag.KindOrganiserNote {
		d = deltag.NewOrganiserDelivery(e.event, k, 1, start)
	}
	d.Status, d.Reason = s, reason
	d.History = []deltag.StatusChange{{At: start.Add(time.Minute), Status: s, Reason: reason}}
	if err := e.store.SaveDelivery(context.Background(), d); err != nil {
		e.Fatal(err)
	}
}

// nobody is a person without a registration.
func (e eventClient) nobody(n int) deltag.Registration {
	address := fmt.Sprintf("n%d@example.dk", n)
	in := deltag.SignUpRequest{Email: deltag.Address{Original: address, Normalized: address}, Language: "da"}
	return deltag.NewRegistration(e.event, in, bytes.Repeat([]byte{1}, 16), start)
}

// newBounced is a person whose address does not exist.
func (e eventClient) newBounced(n int, email string) deltag.Registration {
	e.Helper()
	r := e.signUp(n, "KL", email, 1)
	e.storeMail(r, deltag.KindConfirmation, deltag.DeliveryBounced, "")
	err := e.store.SetAddressStatus(context.Background(), e.event, r, deltag.AddressBounced, start)
	if err != nil {
		e.Fatal(err)
	}
	return r
}

// newEveryMail fills the ledger with mails of every kind, status and reason.
func (e eventClient) newEveryMail() {
	e.Helper()
	e.newBounced(1, "mette@gmial.com")
	e.newBounced(2, "ole@nowhere.example.dk")
	statuses := []deltag.DeliveryStatus{
		deltag.DeliverySending, deltag.DeliverySent, deltag.DeliveryDelivered, deltag.DeliveryComplained,
		deltag.DeliveryUnknown,
	}
	for n, k := range deltag.MailKinds {
		s := statuses[n%len(statuses)]
		if k.IsFinal() {
			s = deltag.DeliverySending
		}
		e.storeMail(e.nobody(n), k, s, "")
	}
	e.storeMail(e.signUp(3, "KL", "fejl@example.dk", 1), deltag.KindMessage, deltag.DeliveryFailed, deltag.ReasonRejected)
	for n, reason := range reasons {
		s := deltag.DeliverySkipped
		if n >= firstWaiting {
			s = deltag.DeliveryPending
		}
		e.storeMail(e.nobody(100+n), deltag.KindConfirmation, s, reason)
	}
}

// reasons of mails that were skipped, and from firstWaiting on of those that wait.
var reasons = []deltag.Reason{
	deltag.ReasonEventCancelled, deltag.ReasonEventOver, deltag.ReasonEventStarted, deltag.ReasonOldSchedule,
	deltag.ReasonRegistrationCancelled, deltag.ReasonWaitlisted, deltag.ReasonUnverified, deltag.ReasonLinkExpired,
	deltag.ReasonNotWaitlisted, deltag.ReasonConfirmed, deltag.ReasonSignedUpLater, deltag.ReasonSuperseded,
	deltag.ReasonAddressBounced, deltag.ReasonAddressComplained, deltag.ReasonUnsubscribed, deltag.ReasonAttended,
	deltag.ReasonNotAttended, deltag.ReasonRegistrationGone, deltag.ReasonNetworkBounces, deltag.ReasonNotWanted,
	deltag.ReasonThrottled, deltag.ReasonSendQuota, deltag.ReasonDailyLimit, deltag.ReasonReputation,
	deltag.ReasonNotSubmitted, deltag.ReasonNotAllowed, deltag.ReasonNoResponse, deltag.ReasonRenderFailed,
	deltag.ReasonResent, deltag.ReasonRetriesExhausted,
}

const firstWaiting = 20

// newMailings are messages that were sent, and one that is being sent.
func (e eventClient) newMailings() {
	e.Helper()
	for version, status := range []deltag.MailingStatus{deltag.MailingDone, deltag.MailingRunning} {
		m := e.event.NewMailing(deltag.KindMessage, version+1, start.Add(-time.Hour), "Hej")
		m.Audience, m.Status, m.Sent, m.Skipped = deltag.AudienceAll, status, 2-version, 1
		if err := e.store.PutMailing(context.Background(), m); err != nil {
			e.Fatal(err)
		}
	}
}

func TestMails(t *testing.T) {
	c := newEventClient(t, nil)
	c.get(c.path("mails")).want(http.StatusOK).says("main", "Her er ingen mails").has("#help", 0).
		says(".rows li:contains('Påmindelse 1 time før')", "Sendes tirsdag den 1. december 2026 kl. 09.01 til 0 personer.").
		says("main", "Det bliver ikke sendt Opfølgning til dem, der ikke deltog Ikke sendt: den har ingen tekst")
	mette := c.newBounced(1, "mette@gmial.com")
	c.newBounced(2, "ole@nowhere.example.dk")
	c.storeMail(c.signUp(3, "KL", "fejl@example.dk", 1), deltag.KindMessage, deltag.DeliveryFailed, deltag.ReasonRejected)
	path := c.path("attendees/" + mette.ID)
	c.get(c.path("mails")).want(http.StatusOK).has(".notice a", 3).has(`.notice a[href="`+path+`"]`, 1).
		says(".notice li:first-child", "Person 1: mette@gmial.com Skal det være mette@gmail.com?").
		says(".notice", "Besked til deltagerne, fejl@example.dk Mislykkedes: mailtjenesten afviste den").
		says("main", "Bekræftelse").says(".outcomes", "2 kom retur").has("#ledger ~ .rows > li", 6)

	c.get(c.path("mails?email=METTE@gmial.com")).want(http.StatusOK).has(".rows > li", 2).has("h2", 1).
		has("input[value='METTE@gmial.com']", 1).says(".bad", "Kom retur")
	c.get(c.path("mails?email=nobody@example.dk")).want(http.StatusOK).says("main", "Her er ingen mails")
	c.get(c.path("mails?email=mette")).want(http.StatusUnprocessableEntity).says(".alert", "mangler et @").
		says("title", "Fejl:").has("input[aria-invalid]", 1)
	c.get(c.path("mails?cursor=nonsense")).want(http.StatusUnprocessableEntity)
}

// TestMailsIsPaged: the pages after the first are the ledger alone.
func TestMailsIsPaged(t *testing.T) {
	c := newEventClient(t, nil)
	for n := range mailsPerPage + 1 {
		c.storeMail(c.nobody(n), deltag.KindConfirmation, deltag.DeliverySent, "")
	}
	next, _ := c.get(c.path("mails")).has("#ledger ~ .rows > li", mailsPerPage).doc.Find("main > p:last-child a").Attr("href")
	c.get(next).want(http.StatusOK).has(".rows > li", 1).has("h2", 1).has("a:contains('Vis flere')", 0)
}

// TestNoticeToNobody: a draft that nobody has signed up for announces no mail about its new title.
func TestNoticeToNobody(t *testing.T) {
	c := newClient(t)
	c.signIn("anna")
	e := c.newEvent("kladde", func(e *deltag.Event) { e.Status = deltag.EventDraft })
	next := e
	next.Title = "Et nyt navn"
	next, changes, err := e.Edit(next, c.now)
	if err == nil {
		err = c.store.UpdateEvent(context.Background(), next, changes)
	}
	if err != nil {
		t.Fatal(err)
	}
	for path, kind := range map[string]string{"": "console.mail.changed", "/mails": "console.mails.kind.changed"} {
		name := i18n.For(deltag.LanguageDanish).Text(kind)
		page := c.get(eventPath(e.ID) + path).want(http.StatusOK)
		if strings.Contains(page.doc.Find("main").Text(), name) {
			t.Errorf("%s says %q", path, name)
		}
	}
	added := deltag.SignUpRequest{Name: "Bo", Email: addressOf("bo"), Language: "da", ByOrganiser: true}
	if _, err := c.store.SignUp(context.Background(), next, added, c.now); err != nil {
		t.Fatal(err)
	}
	c.get(eventPath(e.ID)+"/mails").says("main", i18n.For(deltag.LanguageDanish).Text("console.mails.kind.changed"))
}
