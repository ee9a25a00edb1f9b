package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"

	"deltag/internal/dynamo"
)

// findIdentity is the identity that SES sends address's mail as: the address, its domain, or a domain above it. It is nil
// if there is none.
func (d *doctor) findIdentity(ctx context.Context, address string) (string, *sesv2.GetEmailIdentityOutput, error) {
	_, domain, _ := strings.Cut(address, "@")
	for _, name := range append([]string{address}, withParents(domain)...) {
		identity, err := d.ses.GetEmailIdentity(ctx, &sesv2.GetEmailIdentityInput{EmailIdentity: &name})
		if !hasCode(err, "NotFoundException") {
			return name, identity, err
		}
	}
	return domain, nil, nil
}

// withParents is domain and those above it, but for the top-level domain.
func withParents(domain string) (all []string) {
	for strings.Contains(domain, ".") {
		all = append(all, domain)
		_, domain, _ = strings.Cut(domain, ".")
	}
	return all
}

// checkIdentity looks at what has to be in DNS for SES to send.
func (d *doctor) checkIdentity(ctx context.Context, s stack) {
	name, identity, err := d.findIdentity(ctx, s.parameters["MailFrom"])
	switch {
	case err != nil:
		d.report.unread("identity", err)
		return
	case identity == nil:
		d.report.lacks("identity", "SES does not know "+name, "make it an identity of SES in "+d.stage.Region+", or deploy with MailIdentity=create.")
		return
	case !identity.VerifiedForSendingStatus:
		d.report.lacks("identity", fmt.Sprintf("%s is not verified: %s", name, identity.VerificationStatus), s.dnsRecords("Dkim"))
	default:
		d.report.ok("identity", "%s is verified", name)
	}

	switch dkim := identity.DkimAttributes; {
	case dkim == nil || !dkim.SigningEnabled:
		d.report.warning("DKIM", "mail from "+name+" is not signed: large receivers refuse it in bulk",
			"SES → Identities → "+name+" → DomainKeys Identified Mail: enable signing.")
	case dkim.Status != types.DkimStatusSuccess:
		d.report.lacks("DKIM", fmt.Sprintf("mail from %s is not signed: %s", name, dkim.Status), s.dnsRecords("Dkim"))
	default:
		d.report.ok("DKIM", "mail from %s is signed", name)
	}

	bounces := identity.MailFromAttributes
	switch {
	case bounces == nil || aws.ToString(bounces.MailFromDomain) == "":
		d.report.warning("bounce domain", name+" has no MAIL FROM domain of its own, so SPF says nothing about the sender",
			"SES → Identities → "+name+" → Custom MAIL FROM domain.")
	case bounces.MailFromDomainStatus == types.MailFromDomainStatusSuccess:
		d.report.ok("bounce domain", "%s", aws.ToString(bounces.MailFromDomain))
	case bounces.BehaviorOnMxFailure == types.BehaviorOnMxFailureRejectMessage:
		d.report.lacks("bounce domain", fmt.Sprintf("%s: %s, and SES refuses all mail until it is found",
			aws.ToString(bounces.MailFromDomain), bounces.MailFromDomainStatus), s.dnsRecords("MailFrom"))
	default:
		d.report.warning("bounce domain", fmt.Sprintf("%s: %s; SES uses one of its own meanwhile",
			aws.ToString(bounces.MailFromDomain), bounces.MailFromDomainStatus), s.dnsRecords("MailFrom"))
	}
}

// dnsRecords tells to put records of the stack's outputs into DNS.
func (s stack) dnsRecords(about string) string {
	var lines []string
	for key, record := range s.outputs {
		if strings.HasPrefix(key, "Dns"+about) {
			lines = append(lines, record)
		}
	}
	if len(lines) == 0 {
		return "put the DNS records that SES → Identities shows for it where the domain is hosted. SES finds them within 72 hours."
	}
	slices.Sort(lines)
	return "put these DNS records where the domain is hosted. SES finds them within 72 hours.\n" + strings.Join(lines, "\n")
}

// checkDMARC looks for the policy of the sender's domain, or of one above it, as receivers do.
func (d *doctor) checkDMARC(ctx context.Context, s stack) {
	_, domain, _ := strings.Cut(s.parameters["MailFrom"], "@")
	for _, name := range withParents(domain) {
		texts, err := d.lookupTXT(ctx, "_dmarc."+name)
		var failure *net.DNSError
		if err != nil && !(errors.As(err, &failure) && failure.IsNotFound) {
			d.report.warning("DMARC", "DNS did not say whether "+name+" has a policy: "+err.Error(), "look yourself: dig TXT _dmarc."+name)
			return
		}
		for _, text := range texts {
			if strings.HasPrefix(text, "v=DMARC1") {
				d.report.ok("DMARC", "%s has %q", name, text)
				return
			}
		}
	}
	d.report.warning("DMARC", domain+" has no policy: large receivers refuse bulk mail from it",
		"put this DNS record where the domain is hosted:\n"+`_dmarc.`+domain+` TXT "v=DMARC1; p=none"`)
}

// checkSending holds what SES allows the account against the mail that is due.
func (d *doctor) checkSending(ctx context.Context, s stack, store *dynamo.Store) {
	account, err := d.ses.GetAccount(ctx, &sesv2.GetAccountInput{})
	if err != nil {
		d.report.unread("SES account", err)
		return
	}
	const sandbox = "the account is in SES's sandbox: mail goes only to addresses that are verified, 200 a day"
	askForAccess := "SES → Account dashboard → Request production access. docs/operations.md, Deploying, has what to say."
	switch {
	case account.ProductionAccessEnabled:
		d.report.ok("production access", "granted")
	case d.stage.Name == "dev":
		d.report.warning("production access", sandbox, askForAccess)
	default:
		d.report.lacks("production access", sandbox, askForAccess)
	}

	const review = "SES → Account dashboard says why, and what SES wants to know. See BounceRateAlarm in docs/operations.md."
	switch standing := aws.ToString(account.EnforcementStatus); {
	case !account.SendingEnabled || standing == "SHUTDOWN":
		d.report.lacks("sending", "SES has paused the account's sending: "+standing, review)
	case standing == "PROBATION":
		d.report.warning("sending", "the account is under review", review)
	default:
		d.report.ok("sending", "enabled")
	}

	due, err := readDueMails(ctx, store, d.now())
	if err != nil {
		d.report.unread("quota", err)
		return
	}
	d.checkQuota(due, account.SendQuota)
	d.checkRate(due, account.SendQuota, s.parameters["MailRate"])
}

func (d *doctor) checkQuota(due dueMails, quota *types.SendQuota) {
	peak, from := due.peak(d.now(), int(quota.SentLast24Hours))
	text := fmt.Sprintf("SES sends %.0f mails in 24 hours; at most %d fall due in any 24 hours of the next 7 days", quota.Max24HourSend, peak)
	if due.isIncomplete {
		text += ", or more"
	}
	if peak > 0 {
		text += ", from " + from.Format("2 January 15:04 MST")
	}
	text += ", beside new sign-ups"
	ask := "SES → Account dashboard → Request a limit increase, days before that."
	switch {
	case quota.Max24HourSend < 0:
		d.report.ok("quota", "SES sets none; %d mails fall due in the next 7 days", due.total())
	case float64(peak) > quota.Max24HourSend:
		d.report.lacks("quota", text, ask)
	case float64(peak) > 0.8*quota.Max24HourSend:
		d.report.warning("quota", text, ask)
	default:
		d.report.ok("quota", "%s", text)
	}
}

// checkRate compares with MailRate, and says how long the largest mailing takes: after 15 minutes LateMailAlarm rings.
func (d *doctor) checkRate(due dueMails, quota *types.SendQuota, mailRate string) {
	rate, err := strconv.ParseFloat(mailRate, 64)
	if err != nil || rate <= 0 {
		d.report.lacks("rate", fmt.Sprintf("the parameter MailRate is %q", mailRate), "make deploy STAGE="+d.stage.Name+" MailRate=1")
		return
	}
	allowed := quota.MaxSendRate
	text := fmt.Sprintf("MailRate is %s a second, and SES allows %.0f", mailRate, allowed)
	redeploy := fmt.Sprintf("make deploy STAGE=%s MailRate=%.0f", d.stage.Name, min(allowed, 500))
	largest := due.largest()
	takes := time.Duration(float64(largest) / min(rate, allowed) * float64(time.Second))
	switch {
	case rate > allowed:
		d.report.warning("rate", text+": it will throttle", redeploy)
	case takes > 15*time.Minute:
		d.report.warning("rate", fmt.Sprintf("%s; the largest mailing of the next 7 days, %d mails, takes %s", text, largest, takes.Round(time.Minute)),
			"ask SES for a higher rate days before, and deploy with it as MailRate.")
	case rate < allowed && rate < 500:
		d.report.warning("rate", text+": mail to many takes longer than it has to", redeploy)
	default:
		d.report.ok("rate", "%s", text)
	}
}

// reportedTypes are the events of SES that functions/feedback handles, as template.yaml asks for them.
var reportedTypes = []types.EventType{
	types.EventTypeSend, types.EventTypeDelivery, types.EventTypeBounce, types.EventTypeComplaint, types.EventTypeReject,
	types.EventTypeDeliveryDelay, types.EventTypeRenderingFailure,
}

func (d *doctor) checkConfigurationSet(ctx context.Context, s stack) {
	name := s.resources["ConfigurationSet"]
	set, err := d.ses.GetConfigurationSet(ctx, &sesv2.GetConfigurationSetInput{ConfigurationSetName: &name})
	switch {
	case hasCode(err, "NotFoundException"):
		d.report.lacks("configuration set", name+" is gone, and SES refuses mail that names it",
			"aws sesv2 create-configuration-set --region "+d.stage.Region+" --configuration-set-name "+name)
		return
	case err != nil:
		d.report.unread("configuration set", err)
		return
	case set.SendingOptions != nil && !set.SendingOptions.SendingEnabled:
		d.report.lacks("configuration set", "sending by "+name+" is switched off", "aws sesv2 put-configuration-set-sending-options --region "+
			d.stage.Region+" --sending-enabled --configuration-set-name "+name)
	default:
		d.report.ok("configuration set", "%s", name)
	}

	out, err := d.ses.GetConfigurationSetEventDestinations(ctx,
		&sesv2.GetConfigurationSetEventDestinationsInput{ConfigurationSetName: &name})
	if err != nil {
		d.report.unread("reports", err)
		return
	}
	unreported := slices.Clone(reportedTypes)
	for _, destination := range out.EventDestinations {
		if destination.Enabled && destination.EventBridgeDestination != nil {
			unreported = slices.DeleteFunc(unreported, func(t types.EventType) bool {
				return slices.Contains(destination.MatchingEventTypes, t)
			})
		}
	}
	if len(unreported) > 0 {
		d.report.warning("reports", fmt.Sprintf("SES does not report to EventBridge: %v. Bounces and complaints would stop no mail", unreported),
			"SES → Configuration sets → "+name+" → Event destinations: enable them for Amazon EventBridge, default bus.")
		return
	}
	d.report.ok("reports", "SES reports to EventBridge")
}
