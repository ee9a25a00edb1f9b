package account_test

import (
	"fmt"
	"testing"
	"time"

	"deltag/internal/deltag"
)

// TestAuditLog sees every change of who may do what in the log, and once.
func TestAuditLog(t *testing.T) {
	f := newFixture(t)
	f.Domains = map[string]deltag.Role{"example.dk": deltag.RoleReader}
	by := f.owner()
	at := func(n int) time.Time { return now.Add(time.Duration(n) * time.Second) }
	bo := address("bo")
	f.must(f.Invite(ctx, by, bo, deltag.RoleReader, "da", at(1)))
	f.must(f.SetRole(ctx, by, f.id("bo"), deltag.RoleOrganiser, at(2)))
	f.must(f.SetRole(ctx, by, f.id("bo"), deltag.RoleOrganiser, at(3))) // no change
	f.must(f.Remove(ctx, by, f.id("bo"), at(4)))
	f.must(f.Remove(ctx, by, f.id("bo"), at(5))) // no change
	_, token, err := f.CreateToken(ctx, by, "Export", deltag.RoleReader, at(1000), at(6))
	f.must(err)
	f.must(f.RevokeToken(ctx, by, token.ID, at(7)))
	f.must(f.RevokeToken(ctx, by, token.ID, at(8))) // no change
	_, err = f.SignInVerified(ctx, address("carl"), "da", at(9))
	f.must(err)
	_, err = f.SignInVerified(ctx, address("carl"), "da", at(10)) // no change
	f.must(err)
	_, err = f.CreateOperatorToken(ctx, deltag.Operator("cmd/x"), "Drift", at(1000), at(11))
	f.must(err)
	_, err = f.IssueLink(ctx, deltag.Operator("cmd/x"), address("carl"), at(12))
	f.must(err)
	log, _, err := f.store.WholeAuditLog(ctx, "", 100)
	f.must(err)
	var got []string
	for _, e := range log {
		got = append(got, fmt.Sprint(e.At.Sub(now).Seconds(), " ", e.Actor, " ", e.Action, " ", e.Subject, " ", e.Details))
	}
	f.want(got, []string{
		"12 cmd/x member.link-made carl@example.dk []",
		"11 cmd/x token.created Drift [owner]",
		"9 carl@example.dk member.joined carl@example.dk [reader]",
		"7 " + by.Name + " token.revoked Export []",
		"6 " + by.Name + " token.created Export [reader]",
		"4 " + by.Name + " member.removed bo@example.dk []",
		"2 " + by.Name + " member.role-changed bo@example.dk [organiser]",
		"1 " + by.Name + " member.invited bo@example.dk [reader]",
	})
}
