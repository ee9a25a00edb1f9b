package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/dynamo"
)

// maxDueTasks bounds how much of the due index is read.
const maxDueTasks = 1000

// dueMails are the mails that fall due within 7 days, in the order of their times.
type dueMails struct {
	mails        []dueMail
	isIncomplete bool // there were more than maxDueTasks
}

type dueMail struct {
	at    time.Time
	count int
}

// readDueMails reads the due index, and for each event with a mailing in it the counts that tell how many will get it. It
// is what an event's timeline shows, so mailings that have become pointless are left out, and people who sign up later too.
func readDueMails(ctx context.Context, store *dynamo.Store, now time.Time) (due dueMails, err error) {
	end := now.AddDate(0, 0, 7)
	tasks, err := store.DueTasks(ctx, end, maxDueTasks)
	if err != nil {
		return due, err
	}
	due.isIncomplete = len(tasks) >= maxDueTasks
	var events []string
	for _, task := range tasks {
		switch task.Kind {
		case deltag.TaskDelivery, deltag.TaskDigest:
			due.mails = append(due.mails, dueMail{task.DueAt, 1})
		case deltag.TaskMailing:
			events = append(events, task.EventID)
		}
	}
	slices.Sort(events)
	for _, id := range slices.Compact(events) {
		mailings, err := timelineOf(ctx, store, id, now)
		if err != nil {
			return due, err
		}
		for _, m := range mailings {
			if m.Expected > 0 && m.DueAt.Before(end) {
				due.mails = append(due.mails, dueMail{m.DueAt, m.Expected})
			}
		}
	}
	for i := range due.mails {
		if due.mails[i].at.Before(now) {
			due.mails[i].at = now // late
		}
	}
	slices.SortFunc(due.mails, func(a, b dueMail) int { return a.at.Compare(b.at) })
	return due, nil
}

func timelineOf(ctx context.Context, store *dynamo.Store, eventID string, now time.Time) ([]deltag.TimelineEntry, error) {
	event, err := store.Event(ctx, eventID)
	if errors.Is(err, deltag.ErrNotFound) {
		return nil, nil // deleted meanwhile
	}
	if err != nil {
		return nil, err
	}
	mailings, err := store.Mailings(ctx, eventID)
	if err != nil {
		return nil, err
	}
	counts, err := store.Counts(ctx, event)
	return event.Timeline(mailings, counts, now), err
}

func (due dueMails) total() (n int) {
	for _, m := range due.mails {
		n += m.count
	}
	return n
}

// largest is how many mails fall due at one time, at most.
func (due dueMails) largest() (n int) {
	for _, m := range due.mails {
		n = max(n, m.count)
	}
	return n
}

// peak is how many mails SES has to send in 24 hours, at most, and from when. Those of the last 24 hours count in the
// quota as well; when each was sent is not known, so they all stay in it until 24 hours from now.
func (due dueMails) peak(now time.Time, sent int) (most int, from time.Time) {
	for i, first := range due.mails {
		n := 0
		for _, m := range due.mails[i:] {
			if m.at.Before(first.at.Add(24 * time.Hour)) {
				n += m.count
			}
		}
		if first.at.Before(now.Add(24 * time.Hour)) {
			n += sent
		}
		if n > most {
			most, from = n, first.at
		}
	}
	return most, from
}
