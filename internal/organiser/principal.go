// Package organiser is what an organiser can do: create, edit, move and cancel events, write to those who take part, and
// look after their registrations. The JSON API calls it, and so will the console; the rules stand here once. Every use
// case takes a Principal, who is asked what they may do before anything is read.
package organiser
