package dynamo_test

import (
	"errors"
	"sync/atomic"
	"testing"

	"deltag/internal/deltag"
	"deltag/internal/testing/storetest"
)

// TestCrashAfterEachWrite crashes the process after each write of each operation, before the response arrives. The
// next tick must repair what is left, and a caller who tries again must succeed.
func TestCrashAfterEachWrite(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		for _, c := range crashCases {
			t.Run(c.name, func(t *testing.T) {
				engine := engine.NewTable(t)
				writes := int32(0)
				for newFixture(t, t, engine, c.capacity).crashAfter(writes+1, c.operation) {
					writes += 1 + writes/16 // of many, those of one kind are alike
					if testing.Short() {
						writes += 3
					}
				}
				want(t, writes > 0, true)
			})
		}
	})
}

// crashCases begin with the persons 0 to 4 signed up in this order, and 4 cancelled again.
var crashCases = []struct {
	name      string
	capacity  *int
	operation func(*fixture) operation
}{
	{"SignUpForASeat", capacity(9), func(f *fixture) operation { return f.signUp(5, f.event()) }},
	{"SignUpForTheWaitlist", capacity(2), func(f *fixture) operation { return f.signUp(5, f.event()) }},
	{"SignUpAgain", capacity(2), func(f *fixture) operation { return f.signUp(0, f.event()) }},
	{"SignUpOfACancelledRegistration", capacity(9), func(f *fixture) operation { return f.signUp(4, f.event()) }},
	{"SignUpToVerify", capacity(9), func(f *fixture) operation { return f.signUpToVerify(5, f.event()) }},
	{"SignUpToVerifyWithoutALimit", nil, func(f *fixture) operation { return f.signUpToVerify(5, f.event()) }},
	{"SignUpOfAnUnverifiedRegistration", capacity(9), func(f *fixture) operation {
		f.require(f.signUpToVerify(5, f.event()))
		return f.signUp(5, f.event())
	}},
	{"VerifyForASeat", capacity(9), func(f *fixture) operation {
		f.require(f.signUpToVerify(5, f.event()))
		return f.rejoin(5)
	}},
	{"VerifyForTheWaitlist", capacity(2), func(f *fixture) operation {
		f.require(f.signUpToVerify(5, f.event()))
		return f.rejoin(5)
	}},
	{"Expire", capacity(2), func(f *fixture) operation {
		f.require(f.signUpToVerify(5, f.event()))
		return f.expire(5)
	}},
	{"Bounce", capacity(2), func(f *fixture) operation { return f.bounce(0) }},
	{"GiveBackASeat", capacity(2), func(f *fixture) operation { return f.giveBack(0) }},
	{"GiveBackAWaitlistEntry", capacity(2), func(f *fixture) operation { return f.giveBack(2) }},
	{"HoldASeat", capacity(2), func(f *fixture) operation { return f.hold(0) }},
	{"HoldWithoutALimit", nil, func(f *fixture) operation { return f.hold(0) }},
	{"ComeBackToASeat", capacity(9), func(f *fixture) operation { return f.comeBack(0, 5) }},
	{"ComeBackToTheWaitlist", capacity(2), func(f *fixture) operation { return f.comeBack(0, 5) }},
	{"ComeBackToACancelledAddress", capacity(2), func(f *fixture) operation { return f.comeBack(0, 4) }},
	{"ChangeToACancelledAddress", capacity(2), func(f *fixture) operation { return f.changeAddress(0, 4) }},
	{"ChangeToAnUnverifiedAddress", capacity(2), func(f *fixture) operation {
		f.require(f.signUpToVerify(5, f.event()))
		return f.changeAddress(2, 5)
	}},
	{"Rejoin", capacity(2), func(f *fixture) operation { return f.rejoin(4) }},
	{"CancelASeat", capacity(2), func(f *fixture) operation { return f.cancel(0) }},
	{"CancelAWaitlistEntry", capacity(2), func(f *fixture) operation { return f.cancel(2) }},
	{"EraseASeat", capacity(2), func(f *fixture) operation { return f.erase(0) }},
	{"EraseAWaitlistEntry", capacity(2), func(f *fixture) operation { return f.erase(2) }},
	{"Attend", capacity(2), func(f *fixture) operation { return f.attend(0) }},
	{"ChangeTheAddressOfASeat", capacity(2), func(f *fixture) operation { return f.changeAddress(0, 5) }},
	{"ChangeTheAddressOfAWaitlistEntry", capacity(2), func(f *fixture) operation { return f.changeAddress(2, 5) }},
	{"ChangeToAnAddressOnTheWaitlist", capacity(2), func(f *fixture) operation { return f.changeAddress(0, 3) }},
	{"RaiseTheCapacity", capacity(2), func(f *fixture) operation { return f.setCapacity(capacity(3)) }},
	{"LowerTheCapacity", capacity(2), func(f *fixture) operation { return f.setCapacity(capacity(1)) }},
	{"RemoveTheCapacity", capacity(2), func(f *fixture) operation { return f.setCapacity(nil) }},
	{"SetAFirstCapacity", nil, func(f *fixture) operation { return f.setCapacity(capacity(2)) }},
	{"Tick", capacity(2), func(f *fixture) operation { f.leaveTasks(); return f.tick() }},
}

// crashAfter crashes a process after the nth write of an operation. It returns false if there were fewer.
func (f *fixture) crashAfter(n int32, begin func(*fixture) operation) bool {
	f.t.Helper()
	for who := range 5 {
		f.require(f.signUp(who, f.first))
	}
	f.require(f.cancel(4))
	op := begin(f)
	var written atomic.Int32
	f.process.injectFault(crashAfterWrite(n, &written), 1, forever)
	_ = op.do(f.process.store) // whether it fails depends on which write it was
	f.settle()
	f.require(op)
	f.checkDone(op, f.settle())
	return written.Load() >= n
}

// leaveTasks leaves the tick a free seat with people waiting, and deliveries of an erased registration.
func (f *fixture) leaveTasks() {
	f.t.Helper()
	// after the read and the erasure itself
	if err := f.erase(0).do(crashed(f.engine, 3)); !errors.Is(err, deltag.ErrUnavailable) {
		f.t.Fatalf("the process did not crash: %v", err)
	}
}

// require does an operation that must succeed.
func (f *fixture) require(op operation) {
	f.t.Helper()
	if err := op.do(f.otherStore); err != nil {
		f.t.Fatalf("%s: %v\n%s", op.name, err, f.readAll())
	}
}
