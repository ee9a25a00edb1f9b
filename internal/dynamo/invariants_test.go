package dynamo_test

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
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

// A snapshot is everything that the table says about an event's seats.
type snapshot struct {
	event    deltag.Event
	counts   deltag.Counts
	people   []deltag.Registration
	waitlist []waitlistEntry // the first one first
	mails    []deltag.Delivery
}

// A waitlistEntry in line, as its key has it.
type waitlistEntry struct{ Since, Registration string }

// readAll reads the table, all of it, consistently.
func readAll(t reporter, engine storetest.Engine, s *dynamo.Store, eventID string) snapshot {
	t.Helper()
	var v snapshot
	var err error
	check := func() {
		t.Helper()
		if err != nil {
			t.Fatalf("look: %v", err)
		}
	}
	v.event, err = s.Event(ctx, eventID)
	check()
	v.counts, err = s.Counts(ctx, v.event)
	check()
	for cursor := "-"; cursor != ""; {
		var page []deltag.Registration
		page, cursor, err = s.Registrations(ctx, eventID, strings.Trim(cursor, "-"), 1000)
		check()
		v.people = append(v.people, page...)
	}
	for cursor := "-"; cursor != ""; {
		var page []deltag.Delivery
		page, cursor, err = s.Deliveries(ctx, eventID, strings.Trim(cursor, "-"), 1000)
		check()
		v.mails = append(v.mails, page...)
	}
	v.waitlist, err = sortedWaitlist(engine, eventID)
	check()
	return v
}

// sortedWaitlist reads the places in line, for which the store has no method.
func sortedWaitlist(engine storetest.Engine, eventID string) ([]waitlistEntry, error) {
	pages := dynamodb.NewQueryPaginator(engine.Client, &dynamodb.QueryInput{
		TableName: &engine.Table, ConsistentRead: aws.Bool(true),
		KeyConditionExpression: aws.String("PK = :pk AND begins_with(SK, :wait)"),
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":pk": &types.AttributeValueMemberS{Value: "EVENT#" + eventID}, ":wait": &types.AttributeValueMemberS{Value: "WAIT#"},
		},
	})
	var places []waitlistEntry
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, it := range out.Items {
			parts := strings.Split(it["SK"].(*types.AttributeValueMemberS).Value, "#")
			places = append(places, waitlistEntry{Since: parts[1], Registration: parts[2]})
		}
	}
	return places, nil
}

// of is n's registration, or the zero value.
func (v snapshot) of(n int) deltag.Registration {
	id := deltag.RegistrationID(v.event, person(n).Email)
	i := slices.IndexFunc(v.people, func(r deltag.Registration) bool { return r.ID == id })
	if i < 0 {
		return deltag.Registration{}
	}
	return v.people[i]
}

// with are those of a status.
func (v snapshot) with(s deltag.RegistrationStatus) []deltag.Registration {
	return slices.DeleteFunc(slices.Clone(v.people), func(r deltag.Registration) bool { return r.Status != s })
}

// limit is how many seats there are.
func (v snapshot) limit() int {
	if v.event.Capacity == nil {
		return math.MaxInt
	}
	return *v.event.Capacity
}

// broken are the promises that do not hold once all repairs have run.
func (v snapshot) broken() []string {
	broken := append(v.miscounted(), v.misplaced()...)
	if seated, waiting := len(v.with(deltag.RegistrationConfirmed)), len(v.with(deltag.RegistrationWaitlisted)); waiting > 0 && seated < v.limit() {
		broken = append(broken, fmt.Sprintf("%d wait, and only %d of %d seats are taken", waiting, seated, v.limit()))
	}
	return append(broken, v.missingMails()...)
}

// miscounted: the tallies say what the registrations say, and no address has two.
func (v snapshot) miscounted() (broken []string) {
	n := deltag.Counts{Confirmed: len(v.with(deltag.RegistrationConfirmed)), Waitlisted: len(v.with(deltag.RegistrationWaitlisted)), Cancelled: len(v.with(deltag.RegistrationCancelled))}
	addresses := map[string]bool{}
	for _, r := range v.people {
		if addresses[r.Email.Normalized] {
			broken = append(broken, r.Email.Normalized+" has two registrations")
		}
		addresses[r.Email.Normalized] = true
	}
	n.Attended = v.counts.Attended // those who are erased have come all the same
	if v.counts != n {
		broken = append(broken, fmt.Sprintf("counted %+v, there are %+v", v.counts, n))
	}
	return broken
}

// misplaced: whoever waits has one place in line, by the time since when they wait, and nobody else has.
func (v snapshot) misplaced() (broken []string) {
	places := map[waitlistEntry]bool{}
	for _, p := range v.waitlist {
		places[p] = true
	}
	for _, r := range v.with(deltag.RegistrationWaitlisted) {
		p := waitlistEntry{Since: r.WaitlistedAt.Format("2006-01-02T15:04:05.000000000Z"), Registration: r.ID}
		if !places[p] {
			broken = append(broken, r.Email.Original+" waits without a place in line")
		}
		delete(places, p)
	}
	for p := range places {
		broken = append(broken, fmt.Sprintf("nobody waits in place %v", p))
	}
	return broken
}

// tells are the kinds of mail that tell how a registration stands.
var tells = map[deltag.RegistrationStatus][]deltag.MailKind{
	deltag.RegistrationConfirmed:  {deltag.KindConfirmation, deltag.KindPromoted},
	deltag.RegistrationWaitlisted: {deltag.KindWaitlisted},
	deltag.RegistrationCancelled:  {deltag.KindRegistrationCancelled},
}

// missingMails: one row of the ledger tells each person how they stand now, and no row is left of those who are gone.
func (v snapshot) missingMails() (broken []string) {
	known := map[string]bool{}
	for _, r := range v.people {
		known[r.ID] = true
		for _, former := range r.PreviousIDs {
			known[former] = true
		}
		if ds := v.newest(r); len(ds) != 1 || !slices.Contains(tells[r.Status], ds[0].Kind) {
			broken = append(broken, fmt.Sprintf("%s, who is %s, is told so by %d rows: %v", r.Email.Original, r.Status, len(ds), ds))
		}
	}
	for _, d := range v.mails {
		if d.Kind.IsTransactional() && !known[d.RegistrationID] {
			broken = append(broken, d.ID()+" is left of somebody who is gone")
		}
	}
	return broken
}

// newest are the personal mails of r's newest version; not those of an earlier registration of the address, which has moved on.
func (v snapshot) newest(r deltag.Registration) (newest []deltag.Delivery) {
	for _, d := range v.mails {
		if d.RegistrationID == r.ID && d.Generation == r.Generation() && d.Kind.IsTransactional() && d.Version == r.MailVersion {
			newest = append(newest, d)
		}
	}
	return newest
}

// String is for the log of a history that broke a promise.
func (v snapshot) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "limit %d, %+v\n", v.limit(), v.counts)
	for _, r := range v.people {
		fmt.Fprintf(&b, "  %s %s revision %d mail %d, confirmed %s, waiting %s\n",
			r.Email.Original, r.Status, r.Revision, r.MailVersion, r.ConfirmedAt.Format("15:04:05"), r.WaitlistedAt.Format("15:04:05"))
	}
	for _, p := range v.waitlist {
		fmt.Fprintf(&b, "  in line: %v\n", p)
	}
	return b.String()
}
