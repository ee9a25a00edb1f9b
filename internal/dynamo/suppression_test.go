package dynamo_test

import (
	"testing"

	"deltag/internal/deltag"
	"deltag/internal/testing/storetest"
)

func TestSuppressions(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		s := engine.Store()
		e := newEvent(t, s, nil)
		nobody := deltag.Registration{}
		must(t, s.Suppress(ctx, e, person(2).Email, nobody, deltag.AddressBounced, now))
		must(t, s.Suppress(ctx, e, person(130).Email, nobody, deltag.AddressComplained, now))
		var addresses []deltag.Address
		expected := make([]deltag.AddressStatus, 131)
		for n := range 131 { // two requests
			addresses = append(addresses, person(n).Email)
			expected[n] = deltag.AddressOK
		}
		addresses[1] = person(2).Email // twice
		expected[1], expected[2], expected[130] = deltag.AddressBounced, deltag.AddressBounced, deltag.AddressComplained
		engine.Transport.Reset()
		got, err := s.Suppressions(ctx, addresses)
		must(t, err)
		want(t, got, expected)
		want(t, engine.Transport.Count(), 2)
		got, err = s.Suppressions(ctx, nil)
		must(t, err)
		want(t, len(got), 0)
	})
}
