package resolverwatch

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/pkg/catalog"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// importerStatements returns everything that the importer may do.
func importerStatements(i *Importer, p ImporterProps) []statement {
	lists, indexes, table := p.Store.ListBucket(), p.Store.IndexBucket(), *p.Store.Table().TableArn()
	uploads := objects(lists, settings.BlockPrefix+"*", settings.AllowPrefix+"*", p.ListKey)
	guards := objects(lists, settings.GuardPrefix+"*")
	accepted, reports := objects(lists, settings.AcceptedPrefix+"*"), objects(lists, settings.ReportPrefix+"*")
	statements := []statement{
		{sid: "FindNewestList", actions: []string{"s3:ListBucket"}, resources: []string{*lists.BucketArn()}},
		{sid: "ReadLists", resources: uploads, actions: []string{
			"s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectTagging", "s3:GetObjectVersionTagging"}},
		{sid: "ReadGuardLists", actions: []string{"s3:GetObject", "s3:GetObjectVersion"}, resources: guards},
		{sid: "KeepAcceptedLists", actions: []string{"s3:DeleteObject", "s3:GetObject", "s3:PutObject"}, resources: accepted},
		{sid: "WriteReports", actions: []string{"s3:PutObject"}, resources: reports},
		// The first publish needs a 404 for the pointer: see readIndex.
		{sid: "SeeIndexes", actions: []string{"s3:ListBucket"}, resources: []string{*indexes.BucketArn()}},
		{sid: "PublishIndexes", actions: []string{"s3:DeleteObject", "s3:GetObject", "s3:PutObject"},
			resources: objects(indexes, settings.IndexPrefix+"*")},
		{sid: "PublishIndicators", actions: []string{"s3:GetObject", "s3:PutObject"},
			resources: objects(indexes, catalog.IndicatorKey)},
		{sid: "KeepTable", resources: []string{table}, actions: []string{
			"dynamodb:BatchWriteItem", "dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem",
			"dynamodb:Query", "dynamodb:Scan"}},
		{sid: "ReadFeedSettings", actions: []string{"ssm:GetParameter"}, resources: []string{i.parameterArn("*")}},
		{sid: "KeepFailedEvents", actions: []string{"sqs:SendMessage"}, resources: []string{*i.deadLetters.QueueArn()}},
	}
	if p.Events {
		statements = append(statements, putEvents(i))
	}
	statements = append(statements, fetchStatements(p)...)
	statements = append(statements, keyUse("s3", keyWrite, p.Store.keys.lists, p.Store.keys.index)...)
	statements = append(statements, keyUse("dynamodb", keyTable, p.Store.keys.table)...)
	statements = append(statements, readPrevious(p.Store.previous, "s3", "dynamodb")...)
	return append(statements, keyUse("sqs", keyWrite, p.EncryptionKey)...)
}

// importerFolders returns the wildcards in importerStatements.
func importerFolders(feeds map[string]settings.Feed) []string {
	folders := []string{
		"/" + settings.BlockPrefix + "*", "/" + settings.AllowPrefix + "*", "/" + settings.AcceptedPrefix + "*",
		"/" + settings.ReportPrefix + "*", "/" + settings.IndexPrefix + "*", "/" + settings.GuardPrefix + "*",
		settings.FeedParameter("", "*")[1:],
	}
	for _, folder := range fetchFolders(feeds) {
		folders = append(folders, "/"+folder)
	}
	return folders
}

// parameterArn returns the ARN of a feed's parameter.
func (i *Importer) parameterArn(feed string) string {
	return *awscdk.Stack_Of(i).FormatArn(&awscdk.ArnComponents{
		Service: jsii.String("ssm"), Resource: jsii.String("parameter"),
		ResourceName: jsii.String(settings.FeedParameter(i.stack, feed)[1:]),
	})
}
