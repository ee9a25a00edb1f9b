package dynamo_test

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"deltag/internal/deltag"
	"deltag/internal/dynamo"
	"deltag/internal/testing/storetest"
)

// A reporter is a testing.T or a rapid.T.
type reporter interface {
	Helper()
	Errorf(string, ...any)
	Fatalf(string, ...any)
}

// A snapshot is all that the table stores about an event's seats.
type snapshot struct {
	event    deltag.Event
	counts   deltag.Counts
	people   []deltag.Registration
	waitlist []waitlistEntry // in order
	mails    []deltag.Delivery
}

// A waitlistEntry is the key of one.
type waitlistEntry struct{ JoinedAt, Registration string }

// readAll reads the table itself, in one request.
func readAll(t reporter, engine storetest.Engine, s *dynamo.Store, eventID string) (v snapshot) {
	t.Helper()
	var err error
	for _, it := range engine.Items(t) {
		pk, sk := text(it["PK"]), text(it["SK"])
		rest, ok := strings.CutPrefix(pk, "EVENT#"+eventID)
		if !ok || rest != "" && rest[0] != '#' {
			continue
		}
		kind, _, _ := strings.Cut(sk, "#")
		switch kind {
		case "META":
			v.event, err = dynamo.DecodeEvent(it)
		case "REG":
			var r deltag.Registration
			r, err = dynamo.DecodeRegistration(it)
			v.people = append(v.people, r)
		case "MAIL":
			var d deltag.Delivery
			d, err = dynamo.DecodeDelivery(it)
			v.mails = append(v.mails, d)
		case "WAIT":
			parts := strings.Split(sk, "#")
			v.waitlist = append(v.waitlist, waitlistEntry{JoinedAt: parts[1], Registration: parts[2]})
		}
		if err != nil {
			t.Fatalf("read %s %s: %v", pk, sk, err)
		}
	}
	if v.counts, err = s.Counts(ctx, v.event); err != nil {
		t.Fatalf("counts: %v", err)
	}
	slices.SortFunc(v.people, func(a, b deltag.Registration) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(v.mails, func(a, b deltag.Delivery) int { return cmp.Compare(a.ID(), b.ID()) })
	slices.SortFunc(v.waitlist, func(a, b waitlistEntry) int {
		return cmp.Or(cmp.Compare(a.JoinedAt, b.JoinedAt), cmp.Compare(a.Registration, b.Registration))
	})
	return v
}

func text(v types.AttributeValue) string {
	s, _ := v.(*types.AttributeValueMemberS)
	return s.Value
}

// registration is n's, or the zero value.
func (v snapshot) registration(n int) deltag.Registration {
	id := deltag.RegistrationID(v.event, person(n).Email)
	i := slices.IndexFunc(v.people, func(r deltag.Registration) bool { return r.ID == id })
	if i < 0 {
		return deltag.Registration{}
	}
	return v.people[i]
}

func (v snapshot) withStatus(s deltag.RegistrationStatus) []deltag.Registration {
	return slices.DeleteFunc(slices.Clone(v.people), func(r deltag.Registration) bool { return r.Status != s })
}

func (v snapshot) capacity() int { return capacityOf(v.event.Capacity) }

func capacityOf(capacity *int) int {
	if capacity == nil {
		return math.MaxInt
	}
	return *capacity
}

// violations are the promises that do not hold after a tick.
func (v snapshot) violations() []string {
	violations := append(v.wrongCounts(), v.wrongWaitlist()...)
	seated, waiting := len(v.withStatus(deltag.RegistrationConfirmed)), len(v.withStatus(deltag.RegistrationWaitlisted))
	if waiting > 0 && seated < v.capacity() {
		violations = append(violations,
			fmt.Sprintf("%d wait, and only %d of %d seats are taken", waiting, seated, v.capacity()))
	}
	return append(violations, v.wrongMails()...)
}

// wrongCounts: the counters agree with the registrations, and no address has two of these.
func (v snapshot) wrongCounts() (violations []string) {
	actual := deltag.Counts{Attended: v.counts.Attended} // which includes erased registrations
	addresses := map[string]bool{}
	for _, r := range v.people {
		if addresses[r.Email.Normalized] {
			violations = append(violations, r.Email.Normalized+" has two registrations")
		}
		addresses[r.Email.Normalized] = true
	}
	actual.Confirmed = len(v.withStatus(deltag.RegistrationConfirmed))
	actual.Waitlisted = len(v.withStatus(deltag.RegistrationWaitlisted))
	actual.Unverified = len(v.withStatus(deltag.RegistrationUnverified))
	actual.Cancelled = len(v.withStatus(deltag.RegistrationCancelled))
	if v.counts != actual {
		violations = append(violations, fmt.Sprintf("counted %+v, there are %+v", v.counts, actual))
	}
	return violations
}

// wrongWaitlist: whoever waits has one waitlist entry, by the time since when they wait, and nobody else has one.
func (v snapshot) wrongWaitlist() (violations []string) {
	entries := map[waitlistEntry]bool{}
	for _, e := range v.waitlist {
		entries[e] = true
	}
	for _, r := range v.withStatus(deltag.RegistrationWaitlisted) {
		e := waitlistEntry{JoinedAt: r.WaitlistedAt.Format("2006-01-02T15:04:05.000000000Z"), Registration: r.ID}
		if !entries[e] {
			violations = append(violations, r.Email.Original+" waits without a waitlist entry")
		}
		delete(entries, e)
	}
	for e := range entries {
		violations = append(violations, fmt.Sprintf("nobody waits at the waitlist entry %v", e))
	}
	return violations
}

// statusMailKinds are the kinds of mail that say which status a registration has.
var statusMailKinds = map[deltag.RegistrationStatus][]deltag.MailKind{
	deltag.RegistrationConfirmed:  {deltag.KindConfirmation, deltag.KindPromoted},
	deltag.RegistrationWaitlisted: {deltag.KindWaitlisted},
	deltag.RegistrationCancelled:  {deltag.KindRegistrationCancelled, deltag.KindVerification}, // signed up again
	deltag.RegistrationUnverified: {deltag.KindVerification},
}

// wrongMails: each person has one mail about the status they have now, and none is left to those who are gone.
func (v snapshot) wrongMails() (violations []string) {
	known := map[string]bool{}
	for _, r := range v.people {
		known[r.ID] = true
		for _, former := range r.PreviousIDs {
			known[former] = true
		}
		if !r.GivenBackAt.IsZero() {
			continue // without a mail
		}
		ds := v.statusMails(r)
		if len(ds) == 1 && r.Status == deltag.RegistrationUnverified && ds[0].Reason == deltag.ReasonNetworkBounces {
			continue // held
		}
		if len(ds) != 1 || !slices.Contains(statusMailKinds[r.Status], ds[0].Kind) {
			violations = append(violations,
				fmt.Sprintf("%s, who is %s, has %d mails that say so: %v", r.Email.Original, r.Status, len(ds), ds))
		}
	}
	for _, d := range v.mails {
		if d.Kind.IsTransactional() && d.DetachedRecipient == nil && !known[d.RegistrationID] {
			violations = append(violations, d.ID()+" is left of somebody who is gone")
		}
	}
	return violations
}

// statusMails are the latest of r; not those of an earlier registration of the same address.
func (v snapshot) statusMails(r deltag.Registration) (latest []deltag.Delivery) {
	for _, d := range v.mails {
		ofR := d.RegistrationID == r.ID && d.Generation == r.Generation()
		if ofR && d.Kind.IsTransactional() && d.Version == r.MailVersion {
			latest = append(latest, d)
		}
	}
	return latest
}

// notes are the mails to the organiser about seats that were given back.
func (v snapshot) notes() (notes []deltag.Delivery) {
	for _, d := range v.mails {
		if d.Kind == deltag.KindOrganiserNote {
			notes = append(notes, d)
		}
	}
	return notes
}

// String is for the log of a history that violates a promise.
func (v snapshot) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "capacity %d, %+v\n", v.capacity(), v.counts)
	for _, r := range v.people {
		fmt.Fprintf(&b, "  %s %s revision %d mail %d, confirmed %s, waiting %s\n", r.Email.Original, r.Status, r.Revision,
			r.MailVersion, r.ConfirmedAt.Format("15:04:05"), r.WaitlistedAt.Format("15:04:05"))
	}
	for _, e := range v.waitlist {
		fmt.Fprintf(&b, "  on the waitlist: %v\n", e)
	}
	return b.String()
}
