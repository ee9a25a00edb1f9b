package oidc

import "strings"

// claims are those of an ID token that say whose the address is. preferred_username and upn are not among them: whoever
// runs a directory can write anything there.
type claims struct {
	Email           string `json:"email"`
	EmailVerified   any    `json:"email_verified"`
	DomainVerified  any    `json:"xms_edov"` // Microsoft: the domain belongs to the directory that the account is in
	HostedDomain    string `json:"hd"`       // Google: the Workspace that the account belongs to
	AuthorizedParty string `json:"azp"`
}

// verifiedEmail is the address, if an issuer vouches for it. Otherwise ErrUnverified.
func (c claims) verifiedEmail(issuer string) (string, error) {
	isVerified := isTrue(c.EmailVerified)
	switch {
	case isMicrosoft(issuer):
		isVerified = isVerified || isTrue(c.DomainVerified)
	case issuer == "https://accounts.google.com":
		// Google has once verified the address of any other account, and doesn't know whether it is still the person's.
		isVerified = isVerified && (c.HostedDomain != "" || strings.HasSuffix(strings.ToLower(c.Email), "@gmail.com"))
	}
	if !isVerified || c.Email == "" {
		return "", ErrUnverified
	}
	return c.Email, nil
}

func isMicrosoft(issuer string) bool {
	return strings.HasPrefix(issuer, "https://login.microsoftonline.com/") ||
		strings.HasPrefix(issuer, "https://login.microsoftonline.us/")
}

// isTrue knows the ways in which providers write that a claim is true: Microsoft also has numbers and texts.
func isTrue(claim any) bool {
	return claim == true || claim == "true" || claim == "1" || claim == float64(1)
}
