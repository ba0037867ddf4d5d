package localaws

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
)

// CloudWatch is not here, and its client gets an answer that it understands and does not repeat.
func TestGateway_noCloudWatch(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer((&Stack{}).gateway())
	t.Cleanup(server.Close)
	client := cloudwatch.NewFromConfig(aws.Config{Region: "us-east-1", BaseEndpoint: &server.URL,
		Credentials: credentials.NewStaticCredentialsProvider("key", "secret", "")})
	_, err := client.DescribeAlarms(t.Context(), &cloudwatch.DescribeAlarmsInput{})
	if err == nil || !strings.Contains(err.Error(), "UnknownOperationException: no local endpoint for DescribeAlarms") {
		t.Errorf("error %v", err)
	}
}
