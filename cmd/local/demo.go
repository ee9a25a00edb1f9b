package main

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/dynamo"
	"deltag/internal/local"
)

const (
	demoSlug      = "samskabelse"
	demoOrganiser = "samskabelse@example.dk"
)

// makeDemo returns the demo event, and creates it first if needed: a think tank on the next 1 December after now.
func makeDemo(ctx context.Context, store *dynamo.Store, now time.Time) (deltag.Event, error) {
	e, err := store.EventBySlug(ctx, demoSlug)
	if !errors.Is(err, deltag.ErrNotFound) {
		return e, err
	}
	zone, err := deltag.LoadLocation("Europe/Copenhagen")
	if err != nil {
		return e, err
	}
	start := time.Date(now.In(zone).Year(), time.December, 1, 14, 0, 0, 0, zone)
	if !start.After(now) {
		start = start.AddDate(1, 0, 0)
	}
	e = deltag.Event{
		Slug: demoSlug, Title: "Samskabelse på dagsordenen", Language: deltag.LanguageDanish,
		Description: `Velfærd bliver til i fællesskab. Men hvad kræver det af dig, der leder, planlægger eller møder borgerne, når flere skal være med til at skabe løsningerne?

På en time samler UKON fagfolk, praktikere og ledere til en virtuel tænketank. Du får erfaringer fra danske kommuner, prøver dine egne idéer af og går derfra med noget, du kan bruge i morgen.

Det er gratis, det foregår online, og du behøver ikke forberede noget.`,
		StartsAt: start.UTC(), EndsAt: start.Add(time.Hour).UTC(), TimeZone: "Europe/Copenhagen", HasWaitlist: true,
		JoinURL:       "https://meet.example.org/samskabelse",
		Organiser:     deltag.Organiser{Name: "UKON", Email: demoOrganiser},
		RetentionDays: 30, ScheduledMails: deltag.DefaultScheduledMails(), Status: deltag.EventOpen,
		Questions: []deltag.Question{{ID: "emne", Kind: deltag.QuestionShortText, Label: "Hvad vil du helst tale om?"}},
	}
	if e.ID, err = deltag.NewID(rand.Reader); err != nil {
		return e, err
	}
	if e.Secret, err = deltag.NewSecret(rand.Reader); err != nil {
		return e, err
	}
	e, plan := e.WithInitialState(now)
	if err := e.Validate(); err != nil {
		return e, err
	}
	err = store.CreateEvent(ctx, e, plan)
	if errors.Is(err, deltag.ErrSlugTaken) { // another process with the same table was quicker
		return store.EventBySlug(ctx, demoSlug)
	}
	return e, err
}

// demo reads the demo event, which may have been moved since it was created.
func demo(ctx context.Context, store *dynamo.Store) (local.Demo, error) {
	e, err := store.EventBySlug(ctx, demoSlug)
	if err != nil {
		return local.Demo{}, err
	}
	return local.Demo{Slug: e.Slug, Title: e.Title, Start: e.StartsAt.In(e.Zone()), End: e.EndsAt.In(e.Zone())}, nil
}
