package dynamo_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"deltag/internal/deltag"
	"deltag/internal/dynamo"
	"deltag/internal/testing/storetest"
)

// traceTexts are what a store finds of a person, a line for each event.
func traceTexts(t *testing.T, s *dynamo.Store, n int) (texts []string) {
	t.Helper()
	traces, err := s.PersonTraces(ctx, person(n).Email)
	must(t, err)
	for _, trace := range traces {
		text := trace.Event.Title + ":"
		if r := trace.Registration; r != nil {
			text += " " + string(r.Status)
		}
		for _, d := range trace.Deliveries {
			text += fmt.Sprintf(" %s to %s", d.Kind, d.Email.Original)
		}
		for _, at := range trace.ErasedAt {
			text += " erased " + at.Format(time.DateOnly)
		}
		if trace.IsContact {
			text += " contact"
		}
		texts = append(texts, text)
	}
	return texts
}

func TestPersonTraces(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		s := engine.Store()
		n := 0
		event := func(title string, change func(*deltag.Event)) deltag.Event {
			n++
			return newEvent(t, s, func(e *deltag.Event) {
				e.Title, e.StartsAt = title, start.Add(time.Duration(n)*time.Minute)
				if change != nil {
					change(e)
				}
			})
		}
		event("Empty", nil)
		signUp(t, s, event("Seat", nil), 1, now)
		waiting := event("Waiting", withCapacity(1))
		signUp(t, s, waiting, 2, now)
		signUp(t, s, waiting, 1, now)
		cancelled := event("Cancelled", nil)
		_, r := signUp(t, s, cancelled, 1, now)
		must(t, s.CancelRegistration(ctx, cancelled, r, now.Add(time.Hour)))
		erased := event("Erased", nil)
		_, r = signUp(t, s, erased, 1, now)
		must(t, s.Erase(ctx, erased, r, now.Add(time.Hour)))
		sendFinalMail(t, s, erased, person(1).Email)
		again := event("Again", nil)
		for i := range 2 {
			_, r = signUp(t, s, again, 1, now.AddDate(0, 0, 2*i))
			must(t, s.Erase(ctx, again, r, now.AddDate(0, 0, 2*i+1)))
		}
		to := event("To", nil)
		_, r = signUp(t, s, to, 2, now)
		changeAddress(t, s, to, r, 1, now)
		from := event("From", nil)
		_, r = signUp(t, s, from, 1, now)
		must(t, s.UpdateByOrganiser(ctx, from, r, person(2), now.Add(time.Hour)))
		event("Contact", func(e *deltag.Event) { e.Organiser.Email = "P1@example.dk" })
		over := event("Over", nil)
		signUp(t, s, over, 1, now)
		eraseEvent(t, engine, over)
		want(t, traceTexts(t, s, 1), []string{
			"Seat: confirmed confirmation to p1@example.dk",
			"Waiting: waiting waiting to p1@example.dk",
			"Cancelled: cancelled withdrawn to p1@example.dk confirmation to p1@example.dk",
			"Erased: erased 2026-11-23",
			"Again: erased to p1@example.dk erased 2026-11-24 erased 2026-11-26",
			"To: confirmed confirmation to p1@example.dk readdressed to p2@example.dk verify to p1@example.dk " +
				"confirmation to p2@example.dk",
			"From: confirmation to p1@example.dk",
			"Contact: contact",
		})
		want(t, traceTexts(t, s, 7), []string(nil))

		t.Run("WhatCannotBeReadIsLeftOutAndTold", func(t *testing.T) {
			corrupt(t, engine, cancelled, "MAIL#"+deltag.RegistrationID(cancelled, person(1).Email)+"#confirmation#1",
				func(it item) { it["History"] = str("no list") })
			corrupt(t, engine, waiting, "REG#"+deltag.RegistrationID(waiting, person(1).Email),
				func(it item) { it["Answers"] = str("no map") })
			corrupt(t, engine, from, "META", func(it item) { it["PromotionCutoff"] = str("tomorrow") })
			traces, err := s.PersonTraces(ctx, person(1).Email)
			if !deltag.IsUnreadable(err) {
				t.Fatal(err)
			}
			var titles []string
			for _, trace := range traces {
				titles = append(titles, fmt.Sprint(trace.Event.Title, len(trace.Deliveries), trace.Registration != nil))
			}
			want(t, titles, []string{
				"Seat1 true", "Waiting1 false", "Cancelled1 true", "Erased0 false", "Again1 false", "To4 true", "Contact0 false",
			})
		})
	})
}

// TestPersonTracesOfManyEvents counts the requests that PersonTraces promises: for 1,000 events, 240 and the last page.
func TestPersonTracesOfManyEvents(t *testing.T) {
	const events, live = 200, 20
	engine := storetest.Embedded(t)
	s := engine.Store()
	for n := range events {
		e := newEvent(t, s, nil)
		if n < live {
			signUp(t, s, e, 1, now)
			continue
		}
		_, err := engine.Client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
			TableName: &engine.Table, Key: item{"PK": str("EVENT#" + e.ID), "SK": str("ERASE")}, // as EraseEvent ends
		})
		must(t, err)
	}
	process := newProcess(engine)
	traces, err := process.store.PersonTraces(ctx, person(1).Email)
	must(t, err)
	want(t, len(traces), live)
	if got, most := process.Count(), 4*events/100+1+2*live; got > most {
		t.Errorf("%d requests, want at most %d", got, most)
	}
}

func TestAddressRecord(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		s := engine.Store()
		record := func(n int, at time.Time) deltag.AddressRecord {
			t.Helper()
			r, err := s.AddressRecord(ctx, person(n).Email, at)
			must(t, err)
			return r
		}
		want(t, record(1, now), deltag.AddressRecord{Status: deltag.AddressOK})
		want(t, record(1, now).IsEmpty(), true)

		e, r := eventWithPerson1(t, s, nil)
		mail := confirmation(t, s, r).Claim(now)
		must(t, s.Claim(ctx, mail, r))
		must(t, s.CountFeedback(ctx, mail, deltag.FeedbackCounts{Delivered: 1}, now))
		must(t, s.Suppress(ctx, e, r.Email, r, deltag.AddressComplained, now.Add(time.Hour)))
		memberID, err := s.MemberID(ctx, r.Email)
		must(t, err)
		m, invitation := deltag.NewMember(memberID, r.Email, "da", make([]byte, 16), now).Invite(now)
		must(t, s.SaveMember(ctx, m, &invitation))

		got := record(1, now.AddDate(0, 0, 1))
		want(t, got.Status, deltag.AddressComplained)
		want(t, got.Since, now.Add(time.Hour))
		want(t, got.ReceivedUntil, now.AddDate(0, 0, 180))
		want(t, got.Mails, []deltag.MailCount{{Day: "2026-11-23", N: 1}})
		want(t, got.Member.ID, memberID)
		want(t, len(got.AccountMails), 1)
		want(t, got.IsEmpty(), false)
		want(t, record(2, now).IsEmpty(), true)

		for range 2 {
			must(t, s.ForgetReceived(ctx, r.Email))
			want(t, record(1, now).ReceivedUntil, time.Time{})
		}
		want(t, record(1, now).Status, deltag.AddressComplained)
	})
}
