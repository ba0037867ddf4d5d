package resolverwatch

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// topicName matches the names of standard topics (CreateTopic in the API of SNS). emailAddress
// matches what looks like an address; SNS checks the rest.
var (
	topicName    = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,256}$`)
	emailAddress = regexp.MustCompile(`^[^@\s]+@[^@\s]+$`)
)

// validateTopic rejects props that contradict each other, and a topic that needs more than a
// message.
func (p AlertsProps) validateTopic(problems *problems) {
	problems.exclusive("WithoutTopic", p.WithoutTopic, "Topic", p.Topic != nil)
	problems.exclusive("WithoutTopic", p.WithoutTopic, "TopicName", p.TopicName != "")
	problems.exclusive("WithoutTopic", p.WithoutTopic, "Emails", len(p.Emails) > 0)
	problems.exclusive("WithoutTopic", p.WithoutTopic, "Digest", p.Digest != "")
	problems.exclusive("Topic", p.Topic != nil, "TopicName", p.TopicName != "")
	if p.Topic == nil {
		return
	}
	if len(p.Emails) > 0 {
		problems.addf("Topic and Emails: only one can be set; subscribe the addresses where the topic is defined")
	}
	if *p.Topic.Fifo() || strings.HasSuffix(*p.Topic.TopicArn(), ".fifo") {
		problems.addf("Topic: must be a standard topic, got the FIFO topic %s", *p.Topic.Node().Path())
	}
}

// newTopic defines the topic with its subscriptions, unless there is an existing one.
func (a *Alerts) newTopic(p AlertsProps) {
	if a.topic = p.Topic; p.WithoutTopic || p.Topic != nil {
		return
	}
	props := &awssns.TopicProps{
		DisplayName: jsii.String("Resolverwatch"), // the sender of the mails
		EnforceSSL:  jsii.Bool(true),
		MasterKey:   a.key,
	}
	if p.TopicName != "" {
		props.TopicName = &p.TopicName
	}
	topic := awssns.NewTopic(a, jsii.String("Topic"), props)
	a.topic = topic
	for i, address := range p.Emails {
		id := address
		if isToken(address) {
			id = fmt.Sprint(i)
		}
		subscribe(a, topic, "Email-"+id, address)
	}
	a.remindOfReceivers(slices.DeleteFunc(slices.Clone(p.Emails), isToken))
}

// subscribe sends the notices of a topic to an address.
func subscribe(c constructs.Construct, topic awssns.ITopic, id, address string) {
	subscription := awssns.NewCfnSubscription(c, &id, &awssns.CfnSubscriptionProps{
		TopicArn: topic.TopicArn(), Protocol: jsii.String("email"), Endpoint: &address})
	accept(subscription, finding{rule: "Serverless-SNSRedrivePolicy",
		reason: "a mail that could not be delivered for hours is of no use; the event and the marked logs have the same"})
}

// remindOfReceivers adds a step, because nobody receives a notice before they have confirmed
// their address.
func (a *Alerts) remindOfReceivers(emails []string) {
	if len(emails) > 0 {
		a.steps.remind(a, Step{
			ID:   StepConfirmEmail,
			Why:  "AWS sends a mail to each address. Nobody receives notices before they have followed the link in it.",
			Text: "confirm the subscriptions; to see them: aws sns list-subscriptions-by-topic --topic-arn " + *a.topic.TopicArn(),
		})
		return
	}
	a.steps.remind(a, Step{
		ID:   StepSubscribe,
		Why:  "Nobody receives the notices on the topic before they subscribe to it.",
		Text: "aws sns subscribe --protocol email --notification-endpoint ADDRESS --topic-arn " + *a.topic.TopicArn(),
	})
}

// IDs of the steps after a deployment with [Alerts].
const (
	StepConfirmEmail = "ConfirmEmail"
	StepSubscribe    = "SubscribeToAlerts"
	StepSecurityHub  = "SecurityHub"
)

// keyOfTopic returns the customer managed key of the topic, or nil. An existing topic without a
// known key may have the key of the deployment.
func keyOfTopic(a *Alerts) awskms.IKey {
	if a.topic == nil {
		return nil
	}
	return firstKey(a.topic.MasterKey(), a.key)
}
