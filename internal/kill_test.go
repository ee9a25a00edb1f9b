package internal_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"deltag/internal/deltag"
	"deltag/internal/testing/lambdaruntime"
	"deltag/internal/testing/storetest"
)

// TestKilledMailer kills the built mailer twice while it sends a confirmation and a reminder to each of 500: once among
// the confirmations, once among the reminders, each time when SES has accepted a mail and the mailer has no answer yet.
func TestKilledMailer(t *testing.T) {
	const people = 500
	binary, err := lambdaruntime.Build(t.TempDir(), "deltag/functions/mailer")
	if err != nil {
		t.Fatal(err)
	}
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		d := newDeployment(t, engine)
		feedback := d.start("feedback")
		e := d.dueEvent(people)
		for _, mails := range []int{150, people + 100} { // confirmations are due first
			if !d.runMailer(engine, binary, mails) {
				t.Fatal("the mailer ended before it was killed")
			}
			inFlight := d.sending(e)
			d.publishSendEvents(feedback)
			notAccepted := d.sending(e)
			d.endLeases(e, notAccepted)
			accepted := len(inFlight) - len(notAccepted)
			t.Logf("killed at mail %d: %d rows in flight, %d of them accepted by SES",
				len(d.mails.Mails()), len(inFlight), accepted)
			if accepted <= 0 {
				t.Error("the kill hit no mail that SES had accepted")
			}
		}
		if d.runMailer(engine, binary, noKill) {
			t.Fatal("killed")
		}
		d.checkSentOnce(e, people)
	})
}

// dueEvent starts in half an hour and has a reminder that is due. People signed up hours ago, so that the mailing needs
// no catch-up run for sign-ups under way.
func (d *deployment) dueEvent(people int) deltag.Event {
	d.t.Helper()
	id, _ := deltag.NewID(rand.Reader)
	secret, _ := deltag.NewSecret(rand.Reader)
	now := time.Now().UTC()
	start, hoursAgo := now.Add(30*time.Minute), now.Add(-3*time.Hour)
	e, plan := deltag.Event{
		ID: id, Slug: "samskabelse", Title: "Samskabelse", Language: deltag.LanguageDanish, StartsAt: start,
		EndsAt:   start.Add(time.Hour),
		TimeZone: "Europe/Copenhagen", Organiser: deltag.Organiser{Name: "UKON", Email: "hej@example.dk"},
		RetentionDays: 30, Status: deltag.EventOpen, Secret: secret,
		ScheduledMails: []deltag.ScheduledMail{{Kind: "reminder-PT1H", Offset: deltag.Offset(-time.Hour)}},
	}.WithInitialState(hoursAgo)
	d.must(d.store.CreateEvent(context.Background(), e, plan))
	var wg sync.WaitGroup
	for chunk := range slices.Chunk(attendees(people), 100) {
		wg.Go(func() {
			for _, a := range chunk {
				in := deltag.SignUpRequest{Name: "Mette", Language: deltag.LanguageDanish}
				in.Email = deltag.Address{Original: a, Normalized: a}
				if _, err := d.store.SignUp(context.Background(), e, in, hoursAgo); err != nil {
					d.t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	return e
}

func attendees(n int) []string {
	addresses := make([]string, n)
	for i := range addresses {
		addresses[i] = fmt.Sprintf("p%d@example.dk", i)
	}
	return addresses
}

// noKill is a number of mails that is never reached.
const noKill = -1

// runMailer runs a mailer for a tick. It kills the mailer when SES has accepted so many mails, before the answer to the
// last, and says whether it did. When it returns, no request of the mailer's is under way.
func (d *deployment) runMailer(engine storetest.Engine, binary string, mails int) bool {
	d.t.Helper()
	table, ses := httptest.NewUnstartedServer(nil), httptest.NewUnstartedServer(nil)
	defer table.Close()
	defer ses.Close()
	env := append(slices.Clip(d.env), "MAIL_RATE=1000",
		"DYNAMODB_ENDPOINT=http://"+table.Listener.Addr().String(), "SES_ENDPOINT=http://"+ses.Listener.Addr().String())
	mailer, err := lambdaruntime.Start(context.Background(), binary, env)
	d.must(err)
	defer mailer.Stop()
	var sent atomic.Int64
	table.Config.Handler = d.proxyTo(engine.Endpoint())
	ses.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.mails.ServeHTTP(w, r) // the answer is sent when this function returns
		if sent.Add(1) == int64(mails) {
			mailer.Stop() // SIGKILL
		}
	})
	table.Start()
	ses.Start()
	_, err = mailer.Invoke(context.Background(), []byte(`{"tick":true}`))
	killed := mails != noKill && sent.Load() >= int64(mails)
	if err != nil && !killed {
		d.t.Fatalf("%v\n%s", err, mailer.Output())
	}
	return killed
}

// proxyTo forwards requests to the engine and waits for its answers, even when the client is gone.
func (d *deployment) proxyTo(endpoint string) http.Handler {
	engine, err := url.Parse(endpoint)
	d.must(err)
	transport := &http.Transport{}
	d.t.Cleanup(transport.CloseIdleConnections)
	proxy := &httputil.ReverseProxy{
		Transport: transport, // of its own: closing any httptest.Server closes connections of the default one
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(engine) },
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
		defer cancel()
		proxy.ServeHTTP(w, r.WithContext(ctx))
	})
}

// publishSendEvents invokes the built function with SES's events, which in AWS come long before a lease ends.
func (d *deployment) publishSendEvents(feedback *lambdaruntime.Function) {
	d.t.Helper()
	d.must(d.mails.PublishSendEvents(context.Background(), func(ctx context.Context, event json.RawMessage) error {
		_, err := feedback.Invoke(ctx, event)
		return err
	}))
}

// endLeases ends the leases of a killed mailer, instead of waiting ten minutes.
func (d *deployment) endLeases(e deltag.Event, rows []deltag.Delivery) {
	d.t.Helper()
	for _, row := range rows {
		row.NextAttemptAt = time.Now()
		row.Revision++
		d.must(d.store.SaveDelivery(context.Background(), row))
	}
	if m := d.reminder(e); m.Status == deltag.MailingRunning {
		d.must(d.store.SaveMailing(context.Background(), m.SuspendUntil(time.Now())))
	}
}

// sending are the deliveries that are claimed.
func (d *deployment) sending(e deltag.Event) []deltag.Delivery {
	d.t.Helper()
	return slices.DeleteFunc(d.ledger(e), func(row deltag.Delivery) bool {
		return row.Status != deltag.DeliverySending
	})
}

func (d *deployment) ledger(e deltag.Event) []deltag.Delivery {
	d.t.Helper()
	var rows []deltag.Delivery
	for cursor := ""; ; {
		page, next, err := d.store.Deliveries(context.Background(), e.ID, cursor, 1000)
		d.must(err)
		if rows = append(rows, page...); next == "" {
			return rows
		}
		cursor = next
	}
}

func (d *deployment) reminder(e deltag.Event) deltag.Mailing {
	d.t.Helper()
	key := deltag.MailingKey{EventID: e.ID, Kind: "reminder-PT1H", Version: e.ScheduleVersion}
	m, err := d.store.Mailing(context.Background(), key)
	d.must(err)
	return m
}

// checkSentOnce: each person has one confirmation and one reminder, and the ledger says so.
func (d *deployment) checkSentOnce(e deltag.Event, people int) {
	d.t.Helper()
	wanted, got := map[string]int{}, map[string]int{}
	for _, a := range attendees(people) {
		wanted[a+" confirmation"], wanted[a+" reminder-PT1H"] = 1, 1
	}
	for _, m := range d.mails.Mails() {
		got[m.To[0]+" "+m.Kind]++
	}
	if diff := cmp.Diff(wanted, got); diff != "" {
		d.t.Errorf("mails (-want +got)\n%s", diff)
	}
	statuses := map[deltag.DeliveryStatus]int{}
	for _, row := range d.ledger(e) {
		statuses[row.Status]++
	}
	want(d.t, statuses, map[deltag.DeliveryStatus]int{deltag.DeliverySent: 2 * people})
	m := d.reminder(e)
	want(d.t, m.Status, deltag.MailingDone)
	want(d.t, m.Sent, people)
}

func (d *deployment) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}
