// Package hub imports findings into Security Hub CSPM. It implements the port Hub of package
// notifier.
package hub

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/aws/smithy-go"

	"github.com/resolverwatch/resolverwatch/pkg/notifier"
)

const (
	// batchSize is the largest number of findings in a request. A finding of ours is far below
	// the share that it has of the 6 MB of a request.
	batchSize     = 100
	schemaVersion = "2018-10-08"
	timeFormat    = "2006-01-02T15:04:05.000Z"
	dnsRequest    = "DNS_REQUEST"
)

// Codes of errors, of a request or of one finding in it.
const (
	codeInvalidAccess          = "InvalidAccess"
	codeInvalidAccessException = "InvalidAccessException"
	codeInvalidInput           = "InvalidInput"
	codeInvalidInputException  = "InvalidInputException"
)

// Hub is Security Hub in the Region of the configuration.
type Hub struct{ client *securityhub.Client }

// New returns the Security Hub of an account and Region.
func New(config aws.Config) *Hub { return &Hub{securityhub.NewFromConfig(config)} }

// Import imports findings. An error is [notifier.ErrRefused] if another attempt would end the
// same way.
func (h *Hub) Import(ctx context.Context, findings []notifier.Finding) []error {
	results := make([]error, 0, len(findings))
	for chunk := range slices.Chunk(findings, batchSize) {
		results = append(results, h.importChunk(ctx, chunk)...)
	}
	return results
}

func (h *Hub) importChunk(ctx context.Context, findings []notifier.Finding) []error {
	in := &securityhub.BatchImportFindingsInput{}
	for i := range findings {
		in.Findings = append(in.Findings, newFinding(&findings[i]))
	}
	results := make([]error, len(findings))
	out, err := h.client.BatchImportFindings(ctx, in)
	if err != nil {
		for i := range results {
			results[i] = explainRequest(err)
		}
		return results
	}

	failed := map[string]error{}
	for i := range out.FailedFindings {
		failed[aws.ToString(out.FailedFindings[i].Id)] = explain(aws.ToString(out.FailedFindings[i].ErrorCode))
	}
	for i := range findings {
		results[i] = failed[findings[i].ID]
	}
	return results
}

// explainRequest returns the error of a whole request. A request that is not valid
// can be tried again, because most of its findings may be valid.
func explainRequest(err error) error {
	var answer smithy.APIError
	if errors.As(err, &answer) && answer.ErrorCode() == codeInvalidAccessException {
		return explain(codeInvalidAccess)
	}
	return fmt.Errorf("importing findings into Security Hub: %w", err)
}

// explain returns the error of one finding. It leaves out the message of AWS, which can quote
// the finding.
func explain(code string) error {
	switch code {
	case codeInvalidAccess, codeInvalidAccessException:
		return fmt.Errorf("importing a finding into Security Hub: %s: Security Hub CSPM is not on in this account and Region, "+
			"or the account of the finding is another one: turn it on, or turn the findings off", code)
	case codeInvalidInput, codeInvalidInputException:
		return fmt.Errorf("importing a finding into Security Hub: %s: %w", code, notifier.ErrRefused)
	default:
		return fmt.Errorf("importing a finding into Security Hub: %s", code)
	}
}

// newFinding returns a finding in the shape of the API. Severity, types and confidence are in
// FindingProviderFields, because analysts may change those at the top level.
func newFinding(f *notifier.Finding) types.AwsSecurityFinding {
	state := types.RecordStateActive
	if f.Archived {
		state = types.RecordStateArchived
	}
	out := types.AwsSecurityFinding{
		SchemaVersion:   aws.String(schemaVersion),
		Id:              &f.ID,
		ProductArn:      &f.ProductARN,
		GeneratorId:     &f.GeneratorID,
		AwsAccountId:    &f.AccountID,
		CreatedAt:       timestamp(f.CreatedAt),
		UpdatedAt:       timestamp(f.UpdatedAt),
		FirstObservedAt: timestamp(f.FirstObservedAt),
		LastObservedAt:  timestamp(f.LastObserved),
		Title:           &f.Title,
		Description:     &f.Description,
		RecordState:     state,
		Resources:       []types.Resource{newResource(&f.Resource)},
		ProductFields:   f.Fields,
		FindingProviderFields: &types.FindingProviderFields{
			Severity:   &types.FindingProviderSeverity{Label: types.SeverityLabel(f.Severity), Original: &f.OriginalSeverity},
			Types:      []string{f.Type},
			Confidence: aws.Int32(int32(f.Confidence)), //nolint:gosec // 0 to 100
		},
	}
	if f.Sample {
		out.Sample = &f.Sample
	}
	if f.Domain != "" {
		out.Action = &types.Action{
			ActionType:       aws.String(dnsRequest),
			DnsRequestAction: &types.DnsRequestAction{Domain: &f.Domain, Blocked: &f.Blocked},
		}
	}
	if f.Threat != nil {
		out.ThreatIntelIndicators = []types.ThreatIntelIndicator{newThreat(f.Threat)}
	}
	return out
}

func newResource(r *notifier.FindingResource) types.Resource {
	out := types.Resource{
		Type: &r.Type, Id: &r.ID, Partition: types.Partition(r.Partition), Region: &r.Region,
	}
	if len(r.Details) > 0 {
		out.Details = &types.ResourceDetails{Other: r.Details}
	}
	return out
}

func newThreat(t *notifier.FindingThreat) types.ThreatIntelIndicator {
	out := types.ThreatIntelIndicator{
		Type: types.ThreatIntelIndicatorType(t.Type), Value: &t.Value,
		Category: types.ThreatIntelIndicatorCategory(t.Category), LastObservedAt: timestamp(t.LastObserved),
	}
	if t.Source != "" {
		out.Source = &t.Source
	}
	return out
}

func timestamp(at time.Time) *string { return aws.String(at.UTC().Format(timeFormat)) }
