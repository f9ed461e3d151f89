"""Every method of the Functions service of the official SDK against a running
server: STRATA_ENDPOINT (…/v1), STRATA_PROJECT, STRATA_KEY.

The SDK parses answers with strict models, so a field of a wrong type fails here.
"""

import gzip
import io
import os
import tarfile
import time
import unittest
import uuid

from appwrite.client import Client
from appwrite.enums.execution_method import ExecutionMethod
from appwrite.enums.runtime import Runtime
from appwrite.enums.template_reference_type import TemplateReferenceType
from appwrite.enums.vcs_reference_type import VCSReferenceType
from appwrite.exception import AppwriteException
from appwrite.id import ID
from appwrite.input_file import InputFile
from appwrite.query import Query
from appwrite.services.functions import Functions

CODE = b"""
export default async ({ req, res, log }) => {
  log("body of " + req.bodyBinary.byteLength + " bytes");
  return res.text(req.method + " " + req.path + " " + req.bodyText, 201, { "x-seen": "yes" });
};
"""


def client(key=True):
    made = Client()
    made.set_endpoint(os.environ["STRATA_ENDPOINT"])
    made.set_project(os.environ.get("STRATA_PROJECT", "default"))
    if key:
        made.set_key(os.environ["STRATA_KEY"])
    return made


def archive(padding=0):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, data in [("index.js", CODE), ("padding.bin", os.urandom(padding))]:
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return InputFile.from_bytes(out.getvalue(), "code.tar.gz")


class FunctionsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.functions = Functions(client())

    def make(self, **settings):
        settings = {
            "function_id": ID.unique(),
            "name": "python",
            "runtime": Runtime.NODE_22,
            "execute": ["any"],
            "entrypoint": "index.js",
            **settings,
        }
        made = self.functions.create(**settings)
        self.addCleanup(self.drop, made.id)
        return made

    def drop(self, function_id):
        try:
            self.functions.delete(function_id)
        except AppwriteException as error:
            self.assertEqual(error.type, "function_not_found")

    def refused(self, code, kind, call, *args, **named):
        with self.assertRaises(AppwriteException) as caught:
            call(*args, **named)
        self.assertEqual((caught.exception.code, caught.exception.type), (code, kind))

    def built(self, function_id, deployment_id):
        for _ in range(1200):
            deployment = self.functions.get_deployment(function_id, deployment_id)
            if deployment.status.value not in ("waiting", "building", "processing"):
                break
            time.sleep(0.1)
        self.assertEqual(deployment.status.value, "ready", deployment.buildlogs)
        return deployment

    def active(self, function_id, deployment_id):
        for _ in range(100):
            if self.functions.get(function_id).deploymentid == deployment_id:
                return
            time.sleep(0.1)
        self.fail("the deployment does not become active")

    def test_functions(self):
        name = uuid.uuid4().hex
        made = self.make(name=name, schedule="*/5 * * * *", timeout=20, scopes=["users.read"])
        self.assertEqual((made.name, made.timeout, made.live), (name, 20, True))
        self.assertEqual(self.functions.get(made.id).to_dict(), made.to_dict())
        found = self.functions.list(queries=[Query.equal("name", name)])
        self.assertEqual((found.total, found.functions[0].id), (1, made.id))
        changed = self.functions.update(made.id, name + "2", timeout=3)
        self.assertEqual((changed.name, changed.timeout, changed.schedule), (name + "2", 3, ""))
        self.assertGreater(self.functions.list_runtimes().total, 0)
        self.assertEqual(self.functions.list_specifications().total, 9)
        self.functions.delete(made.id)
        self.refused(404, "function_not_found", self.functions.get, made.id)
        self.refused(400, "general_argument_invalid", self.functions.create, "unique()", "", "node-22")
        self.refused(
            400, "general_argument_invalid", self.functions.list, [Query.equal("nothing", 1)]
        )

    def test_variables(self):
        made = self.make()
        variable = self.functions.create_variable(made.id, ID.unique(), "KEY", "value", False)
        self.assertEqual((variable.key, variable.value, variable.secret), ("KEY", "value", False))
        self.refused(
            409, "variable_already_exists",
            self.functions.create_variable, made.id, ID.unique(), "KEY", "x",
        )
        changed = self.functions.update_variable(made.id, variable.id, secret=True)
        self.assertEqual((changed.value, changed.secret), ("", True))
        read = self.functions.get_variable(made.id, variable.id)
        self.assertEqual(read.to_dict(), changed.to_dict())
        self.assertEqual(self.functions.list_variables(made.id).total, 1)
        self.functions.delete_variable(made.id, variable.id)
        self.assertEqual(self.functions.list_variables(made.id).total, 0)
        self.refused(
            404, "variable_not_found", self.functions.get_variable, made.id, variable.id
        )

    def test_deployments_and_executions(self):
        made = self.make()
        first = self.functions.create_deployment(made.id, archive(), True)
        self.assertEqual(first.status.value, "waiting")
        self.built(made.id, first.id)
        self.active(made.id, first.id)

        ran = self.functions.create_execution(
            made.id, body="hi", path="/p", method=ExecutionMethod.PATCH, headers={"x-a": "b"}
        )
        self.assertEqual(ran.status.value, "completed", ran.errors)
        self.assertEqual((ran.responsestatuscode, ran.responsebody), (201, "PATCH /p hi"))
        self.assertEqual(ran.logs, "body of 2 bytes\n")
        self.assertEqual((ran.resourceid, ran.resourcetype.value), (made.id, "functions"))
        seen = {header.name: header.value for header in ran.responseheaders}
        self.assertEqual(seen["x-seen"], "yes")
        self.assertEqual(self.functions.get_execution(made.id, ran.id).logs, ran.logs)

        waiting = self.functions.create_execution(made.id, xasync=True)
        self.assertEqual(waiting.status.value, "waiting")
        for _ in range(200):
            done = self.functions.get_execution(made.id, waiting.id)
            if done.status.value == "completed":
                break
            time.sleep(0.05)
        self.assertEqual(done.status.value, "completed", done.errors)
        listed = self.functions.list_executions(made.id, [Query.equal("status", "completed")])
        self.assertEqual({one.id for one in listed.executions}, {ran.id, waiting.id})
        self.functions.delete_execution(made.id, ran.id)
        self.refused(404, "execution_not_found", self.functions.get_execution, made.id, ran.id)

        second = self.functions.create_duplicate_deployment(made.id, first.id)
        self.built(made.id, second.id)
        self.active(made.id, second.id)
        back = self.functions.update_function_deployment(made.id, first.id)
        self.assertEqual(back.deploymentid, first.id)
        self.refused(
            400, "build_already_completed",
            self.functions.update_deployment_status, made.id, first.id,
        )
        listed = self.functions.list_deployments(made.id, [Query.order_desc("$createdAt")])
        self.assertEqual([one.id for one in listed.deployments], [second.id, first.id])
        source = self.functions.get_deployment_download(made.id, first.id)
        self.assertIn(b"export default", gzip.decompress(source))
        self.functions.delete_deployment(made.id, first.id)
        self.refused(404, "deployment_not_found", self.functions.create_execution, made.id)

    def test_a_large_upload(self):
        made = self.make()
        uploaded = self.functions.create_deployment(made.id, archive(11_000_000), False)
        ready = self.built(made.id, uploaded.id)
        self.assertGreater(ready.sourcesize, 11_000_000)
        self.assertEqual(self.functions.get(made.id).deploymentid, "")

    def test_templates_and_repositories(self):
        made = self.make(entrypoint="src/main.js")
        deployment = self.functions.create_template_deployment(
            made.id, "templates", "appwrite", "node/starter",
            TemplateReferenceType.TAG, "0.3.*", True,
        )
        self.built(made.id, deployment.id)
        self.active(made.id, deployment.id)
        ran = self.functions.create_execution(made.id, path="/ping")
        self.assertEqual(ran.responsebody, "Pong", ran.errors)
        self.refused(
            404, "installation_not_found",
            self.functions.create_vcs_deployment, made.id, VCSReferenceType.BRANCH, "main",
        )

    def test_guests(self):
        guest = Functions(client(key=False))
        self.refused(401, "general_unauthorized_scope", guest.list)
        made = self.make()
        self.refused(404, "deployment_not_found", guest.create_execution, made.id)


if __name__ == "__main__":
    unittest.main()
