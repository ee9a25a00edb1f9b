package organiser

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"deltag/internal/deltag"
)

// A MailReport says what has become of an event's mails, what comes, and what needs the organiser.
type MailReport struct {
	Timeline []deltag.TimelineEntry
	// Outcomes are nil where there are too many people to count them while somebody waits, see maxCounted, and then
	// Bounced and Failed are empty.
	Outcomes Outcomes
	// Bounced are people at whose address no mail arrives, and Failed the mails that were given up, each up to
	// MaxNeedsHelp.
	Bounced []deltag.Registration
	Failed  []deltag.Delivery
}

// Outcomes are those of mails to all by kind and version, and of mails to one person by kind, with the version 0.
type Outcomes map[OutcomeKey]Outcome

// An OutcomeKey names a mailing, or all mails to one person of a kind.
type OutcomeKey struct {
	Kind    deltag.MailKind
	Version int
}

// An Outcome is how many deliveries have each status, and why those that were skipped were.
type Outcome struct {
	ByStatus map[deltag.DeliveryStatus]int
	Skipped  map[deltag.Reason]int
}

// MaxNeedsHelp is more than anybody corrects in one go, and what one request to the store reads.
const MaxNeedsHelp = 50

// maxCounted is how many people an event may have whose mails are counted: some 25,000 mails, which take a function of
// 512 MB two seconds.
const maxCounted = 5000

// MailReport reads the whole mail ledger of an event with up to maxCounted people, and keeps little of it.
func (s *Service) MailReport(ctx context.Context, by Caller, eventID string) (deltag.Event, MailReport, error) {
	e, counts, timeline, err := s.Timeline(ctx, by, eventID)
	report := MailReport{Timeline: timeline}
	people := counts.Confirmed + counts.Waitlisted + counts.Cancelled + counts.Unverified
	if err != nil || people > maxCounted {
		return e, report, err
	}
	report.Outcomes = Outcomes{}
	bounced, failed := map[string]bool{}, map[string]deltag.Delivery{}
	err = s.Store.EachDelivery(ctx, eventID, func(d deltag.Delivery) error {
		report.Outcomes.add(d, timeline)
		if d.Status == deltag.DeliveryBounced || d.Reason == deltag.ReasonAddressBounced {
			bounced[d.RegistrationID] = true
		}
		if d.Status == deltag.DeliveryFailed {
			failed[d.ID()] = d
		}
		return nil
	})
	if err != nil {
		return e, report, err
	}
	report.Failed = firstFailed(failed)
	report.Bounced, err = s.stillBounced(ctx, eventID, slices.Sorted(maps.Keys(bounced)))
	return e, report, err
}

func (o Outcomes) add(d deltag.Delivery, timeline []deltag.TimelineEntry) {
	k := OutcomeKey{d.Kind, d.Version}
	isToAll := slices.ContainsFunc(timeline, func(t deltag.TimelineEntry) bool {
		return t.Kind == d.Kind && t.Version == d.Version
	})
	if !isToAll {
		k.Version = 0
	}
	if o[k].ByStatus == nil {
		o[k] = Outcome{ByStatus: map[deltag.DeliveryStatus]int{}, Skipped: map[deltag.Reason]int{}}
	}
	o[k].ByStatus[d.Status]++
	if d.Status == deltag.DeliverySkipped {
		o[k].Skipped[d.Reason]++
	}
}

// firstFailed are the oldest.
func firstFailed(failed map[string]deltag.Delivery) []deltag.Delivery {
	all := slices.SortedFunc(maps.Values(failed), func(a, b deltag.Delivery) int {
		return cmp.Or(a.DueAt.Compare(b.DueAt), cmp.Compare(a.ID(), b.ID()))
	})
	return all[:min(len(all), MaxNeedsHelp)]
}

// stillBounced reads registrations, and leaves out those whose address works by now, or that nobody needs any more.
func (s *Service) stillBounced(ctx context.Context, eventID string, ids []string) ([]deltag.Registration, error) {
	var bounced []deltag.Registration
	for some := range slices.Chunk(ids, MaxNeedsHelp) {
		read, err := s.Store.RegistrationsByID(ctx, eventID, some)
		if err != nil {
			return nil, err
		}
		for _, r := range read {
			if r.AddressStatus == deltag.AddressBounced && (r.IsActive() || r.WasGivenBack()) {
				bounced = append(bounced, r)
			}
		}
		if len(bounced) >= MaxNeedsHelp {
			bounced = bounced[:MaxNeedsHelp]
			break
		}
	}
	slices.SortFunc(bounced, func(a, b deltag.Registration) int {
		return cmp.Compare(a.Email.Normalized, b.Email.Normalized)
	})
	return bounced, nil
}
