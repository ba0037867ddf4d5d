package stack

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
)

// Delivery is where and how a delivery stream writes objects.
type Delivery struct {
	Prefix  string // with Firehose's expressions
	Parquet bool
	// OtherZone is the time zone of the expressions if it is not UTC.
	OtherZone string
}

// FindDelivery returns how a delivery stream writes objects.
func FindDelivery(ctx context.Context, config aws.Config, stream string) (Delivery, error) {
	out, err := firehose.NewFromConfig(config).DescribeDeliveryStream(ctx, &firehose.DescribeDeliveryStreamInput{DeliveryStreamName: &stream})
	if err != nil {
		return Delivery{}, fmt.Errorf("looking up the delivery stream %s: %w", stream, err)
	}
	for _, destination := range out.DeliveryStreamDescription.Destinations {
		s3 := destination.ExtendedS3DestinationDescription
		if s3 == nil {
			continue
		}
		d := Delivery{Prefix: aws.ToString(s3.Prefix)}
		if zone := aws.ToString(s3.CustomTimeZone); zone != "UTC" {
			d.OtherZone = zone
		}
		if c := s3.DataFormatConversionConfiguration; c != nil {
			d.Parquet = aws.ToBool(c.Enabled)
		}
		return d, nil
	}
	return Delivery{}, fmt.Errorf("the delivery stream %s does not write to S3", stream)
}
