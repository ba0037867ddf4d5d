package stack

import (
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/infra/config"
)

// A setting of 0 is unset, and so is the prop.

func milliseconds(n int) awscdk.Duration {
	if n == 0 {
		return nil
	}
	return awscdk.Duration_Millis(jsii.Number(n))
}

func seconds(n int) awscdk.Duration {
	if n == 0 {
		return nil
	}
	return awscdk.Duration_Seconds(jsii.Number(n))
}

func minutes(n int) awscdk.Duration {
	if n == 0 {
		return nil
	}
	return awscdk.Duration_Minutes(jsii.Number(n))
}

// orUnset is for settings in which 0 has a meaning of its own.
func orUnset(n *int, unit func(*float64) awscdk.Duration) awscdk.Duration {
	if n == nil {
		return nil
	}
	return unit(jsii.Number(*n))
}

func days(n int) awscdk.Duration {
	if n == 0 {
		return nil
	}
	return awscdk.Duration_Days(jsii.Number(n))
}

func removalPolicy(policy config.RemovalPolicy) awscdk.RemovalPolicy {
	switch policy {
	case config.RemovalPolicyDestroy:
		return awscdk.RemovalPolicy_DESTROY
	case config.RemovalPolicyRetainOnUpdateOrDelete:
		return awscdk.RemovalPolicy_RETAIN_ON_UPDATE_OR_DELETE
	default:
		return awscdk.RemovalPolicy_RETAIN
	}
}

// retentions are the days for which CloudWatch Logs can keep a log (PutRetentionPolicy in
// its API).
var retentions = map[int]awslogs.RetentionDays{
	1: awslogs.RetentionDays_ONE_DAY, 3: awslogs.RetentionDays_THREE_DAYS, 5: awslogs.RetentionDays_FIVE_DAYS,
	7: awslogs.RetentionDays_ONE_WEEK, 14: awslogs.RetentionDays_TWO_WEEKS, 30: awslogs.RetentionDays_ONE_MONTH,
	60: awslogs.RetentionDays_TWO_MONTHS, 90: awslogs.RetentionDays_THREE_MONTHS, 120: awslogs.RetentionDays_FOUR_MONTHS,
	150: awslogs.RetentionDays_FIVE_MONTHS, 180: awslogs.RetentionDays_SIX_MONTHS, 365: awslogs.RetentionDays_ONE_YEAR,
	400: awslogs.RetentionDays_THIRTEEN_MONTHS, 545: awslogs.RetentionDays_EIGHTEEN_MONTHS,
	731: awslogs.RetentionDays_TWO_YEARS, 1096: awslogs.RetentionDays_THREE_YEARS, 1827: awslogs.RetentionDays_FIVE_YEARS,
	2192: awslogs.RetentionDays_SIX_YEARS, 2557: awslogs.RetentionDays_SEVEN_YEARS, 2922: awslogs.RetentionDays_EIGHT_YEARS,
	3288: awslogs.RetentionDays_NINE_YEARS, 3653: awslogs.RetentionDays_TEN_YEARS,
}

// retention panics for a number of days that CloudWatch does not support, just as the
// constructs do for invalid props.
func retention(setting string, days int) awslogs.RetentionDays {
	policy, known := retentions[days]
	if days != 0 && !known {
		panic(fmt.Errorf("resolverwatch.%s: must be one of %v, got %d", setting, slices.Sorted(maps.Keys(retentions)), days))
	}
	return policy
}
