"""Glue and Athena."""

from engine import Resource


class Database(Resource):
    TYPE = "AWS::Glue::Database"

    def create(self):
        database = self.take("DatabaseInput")
        database.setdefault("Name", self.name.lower())
        self.client("glue").create_database(DatabaseInput=database, CatalogId=self.take("CatalogId"))
        self.physical_resource_id = database["Name"]

    def delete(self):
        self.client("glue").delete_database(Name=self.physical_resource_id)


class Table(Resource):
    TYPE, IN_PLACE = "AWS::Glue::Table", frozenset({"TableInput"})

    def create(self):
        table, self.database = self.take("TableInput"), self.take("DatabaseName")
        table.setdefault("Name", self.name.lower())
        request = {"CatalogId": self.take("CatalogId"), "DatabaseName": self.database, "TableInput": table}
        self.client("glue").create_table(**request)
        self.physical_resource_id = table["Name"]

    def update(self):
        table = {"Name": self.physical_resource_id} | self.take("TableInput")
        assert table["Name"] == self.physical_resource_id, "another name replaces a table: not done here"
        self.client("glue").update_table(DatabaseName=self.database, TableInput=table)

    def delete(self):
        self.client("glue").delete_table(DatabaseName=self.database, Name=self.physical_resource_id)


class WorkGroup(Resource):
    TYPE, NAME = "AWS::Athena::WorkGroup", "Name"

    def create(self):
        self.take("Name")
        self.recursive = self.take("RecursiveDeleteOption", False)
        state = self.take("State", "ENABLED")
        request = self.take_as(Configuration="WorkGroupConfiguration", Description="Description", Tags="Tags")
        athena = self.client("athena")
        athena.create_work_group(Name=self.name, **request)
        if state != "ENABLED":
            athena.update_work_group(WorkGroup=self.name, State=state)
        self.physical_resource_id = self.name

    def delete(self):
        self.client("athena").delete_work_group(WorkGroup=self.name, RecursiveDeleteOption=self.recursive)


class NamedQuery(Resource):
    TYPE = "AWS::Athena::NamedQuery"

    def create(self):
        name = self.take("Name", self.name)
        request = self.take_same("Database", "QueryString", "Description", "WorkGroup")
        query = self.client("athena").create_named_query(Name=name, **request)["NamedQueryId"]
        self.physical_resource_id = query
        self.attributes = {"NamedQueryId": query}

    def delete(self):
        # moto has no DeleteNamedQuery.
        from moto.athena.models import athena_backends

        del athena_backends[self.account][self.region].named_queries[self.physical_resource_id]
