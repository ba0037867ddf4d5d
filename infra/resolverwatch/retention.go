package resolverwatch

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
)

// logRetentions are the retention times that CloudWatch Logs supports (PutRetentionPolicy
// in its API).
var logRetentions = []awslogs.RetentionDays{
	awslogs.RetentionDays_ONE_DAY, awslogs.RetentionDays_THREE_DAYS, awslogs.RetentionDays_FIVE_DAYS,
	awslogs.RetentionDays_ONE_WEEK, awslogs.RetentionDays_TWO_WEEKS, awslogs.RetentionDays_ONE_MONTH,
	awslogs.RetentionDays_TWO_MONTHS, awslogs.RetentionDays_THREE_MONTHS, awslogs.RetentionDays_FOUR_MONTHS,
	awslogs.RetentionDays_FIVE_MONTHS, awslogs.RetentionDays_SIX_MONTHS, awslogs.RetentionDays_ONE_YEAR,
	awslogs.RetentionDays_THIRTEEN_MONTHS, awslogs.RetentionDays_EIGHTEEN_MONTHS, awslogs.RetentionDays_TWO_YEARS,
	awslogs.RetentionDays_THREE_YEARS, awslogs.RetentionDays_FIVE_YEARS, awslogs.RetentionDays_SIX_YEARS,
	awslogs.RetentionDays_SEVEN_YEARS, awslogs.RetentionDays_EIGHT_YEARS, awslogs.RetentionDays_NINE_YEARS,
	awslogs.RetentionDays_TEN_YEARS, awslogs.RetentionDays_INFINITE,
}

// logRetention rejects a retention time that CloudWatch Logs does not support.
func (p *problems) logRetention(prop string, value awslogs.RetentionDays) {
	choice(p, prop, value, logRetentions...)
}

// lifecycle rejects rules that the CDK would reject at the end of the synthesis, where it
// does not say which bucket they belong to.
func (p *problems) lifecycle(prop string, rules []*awss3.LifecycleRule) {
	for i, rule := range rules {
		prop := fmt.Sprintf("%s[%d]", prop, i)
		p.required(prop, rule == nil)
		if rule == nil {
			continue
		}
		p.transitions(prop, rule)
		acts := rule.ExpirationDate != nil || rule.ExpiredObjectDeleteMarker != nil || rule.NoncurrentVersionsToRetain != nil ||
			rule.Transitions != nil || rule.NoncurrentVersionTransitions != nil
		for _, action := range []struct {
			name  string
			after awscdk.Duration
		}{
			{"Expiration", rule.Expiration},
			{"NoncurrentVersionExpiration", rule.NoncurrentVersionExpiration},
			{"AbortIncompleteMultipartUploadAfter", rule.AbortIncompleteMultipartUploadAfter},
		} {
			p.days(prop+"."+action.name, action.after)
			acts = acts || action.after != nil
		}
		if !acts {
			p.addf("%s: must have an action, such as Expiration or Transitions", prop)
		}
	}
}

// transitions rejects transition times that are not whole days.
func (p *problems) transitions(prop string, rule *awss3.LifecycleRule) {
	if rule.Transitions != nil {
		for i, transition := range *rule.Transitions {
			if transition != nil {
				p.daysFrom(0, fmt.Sprintf("%s.Transitions[%d].TransitionAfter", prop, i), transition.TransitionAfter)
			}
		}
	}
	if rule.NoncurrentVersionTransitions != nil {
		for i, transition := range *rule.NoncurrentVersionTransitions {
			if transition != nil {
				p.days(fmt.Sprintf("%s.NoncurrentVersionTransitions[%d].TransitionAfter", prop, i), transition.TransitionAfter)
			}
		}
	}
}
