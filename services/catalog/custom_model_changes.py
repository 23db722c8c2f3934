"""How custom models are made, changed and removed: rules, then one transaction with row, price, key and event.

Where an endpoint leads is looked up between two transactions: no resolver is waited for while rows are locked.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

from pantheon.catalog.v1.catalog_service_pb2 import DESCRIPTOR
from services.catalog import custom_model_messages as messages
from services.catalog import custom_models as rules
from services.catalog.custom_model_entities import CustomModel, Description, KeyMark, key_label
from services.catalog.endpoints import Placement, placed
from services.catalog.reachable import check_reachable
from services.catalog.resources import Resources
from services.catalog.store import custom_models, providers, requests
from services.runtime import times
from services.runtime.auth import Principal
from services.runtime.db import ReadConnection, WriteConnection
from services.runtime.errors import Conflict, ResourceExists
from services.runtime.ids import uuid7
from services.runtime.origins import origin_of

_CREATE = "CreateCustomModel"
_METHODS = f"/{DESCRIPTOR.services_by_name['CatalogService'].full_name}"
_ENDPOINT_PATHS = frozenset({"provider", "api_endpoint"})
_EVERYTHING = rules.written_paths(())


@dataclass(frozen=True, slots=True)
class CustomModelChanges:
    """What one caller does to custom models. Every method raises what the proto says of its RPC."""

    resources: Resources
    caller: Principal

    async def check(self, given: Description) -> CustomModel:
        """The model as it would be kept, without an id; its price from now on, without one either.

        Whether its name is taken is not looked at: the edit of a kept model may be tried out before it is kept, too.
        """
        model = await self._checked(given)
        price = rules.next_price((), model.description.cost, "", times.now())
        async with self.resources.db.read() as connection:
            rules.check_room(await custom_models.number_of(connection, self.caller.user_id))
        return replace(model, prices=(price,) if price else ())

    async def create(self, given: Description, api_key: str, request_id: str) -> CustomModel:
        """Keeps a new model."""
        key = rules.key_mark(KeyMark(), api_key or None)
        model, now = await self._checked(given), times.now()
        model = replace(model, id=str(uuid7()), key=key, create_time=now, update_time=now)
        async with self.resources.db.write() as connection:
            await requests.claim(connection, self.caller.user_id, _CREATE, request_id, model.id)
            await custom_models.lock_owner(connection, self.caller.user_id)
            rules.check_room(await custom_models.number_of(connection, self.caller.user_id))
            if not await custom_models.add(connection, model, self._sealed(model, api_key)):
                raise _taken(model)
            return await self._announced(connection, model)

    async def update(self, asked: str, given: Description, paths: frozenset[str], api_key: str | None) -> CustomModel:
        """Changes a model where the paths say so, and its key unless that is None."""
        async with self.resources.db.read() as connection:
            before = await self._changeable(connection, asked, "UpdateCustomModel")
            judged = await self._placed(connection, given, paths, before.description)
        leads_elsewhere = bool(paths & _ENDPOINT_PATHS)
        if leads_elsewhere:
            await self._check_reachable(judged)
        async with self.resources.db.write() as connection:
            kept = await self._changeable(connection, asked, "UpdateCustomModel", lock=True)
            place = await self._placed(connection, given, paths, kept.description)
            if leads_elsewhere and _leads_to(place) != _leads_to(judged):
                raise Conflict(f"{asked} was changed meanwhile", resource=rules.RESOURCE, id=kept.id)
            key = rules.key_mark(kept.key, api_key, moved=rules.is_moved(kept, place.description))
            wanted = replace(_at(kept, place), key=key)
            if wanted == kept:
                return kept
            wanted = replace(wanted, update_time=times.now())
            if not await custom_models.write(connection, wanted):
                raise _taken(wanted)
            if key != kept.key:
                await custom_models.write_key(connection, kept.id, self._sealed(wanted, api_key or ""))
            return await self._announced(connection, wanted)

    async def remove(self, asked: str) -> None:
        """Removes a model and its key."""
        async with self.resources.db.write() as connection:
            kept = await self._changeable(connection, asked, "DeleteCustomModel", lock=True)
            await custom_models.remove(connection, kept.id, times.now())
            await self.resources.outbox.add(connection, messages.removed(kept.id))

    async def _checked(self, given: Description) -> CustomModel:
        async with self.resources.db.read() as connection:
            place = await self._placed(connection, given, _EVERYTHING)
        await self._check_reachable(place)
        return CustomModel(
            user_id=self.caller.user_id,
            organisation_id=self.caller.organisation_id,
            description=place.description,
            base_url=place.base_url,
            provider_hosted=place.provider_hosted,
        )

    async def _placed(
        self,
        connection: ReadConnection,
        given: Description,
        paths: Collection[str],
        kept: Description | None = None,
    ) -> Placement:
        """What the description becomes, and where it leads; without `kept` it is a new one."""
        wanted = rules.checked(rules.merged(kept, given, frozenset(paths)) if kept else given)
        rules.check_project(wanted.project_id, self.caller, kept.project_id if kept else "")
        provider = rules.provider_named(wanted.provider, await providers.page(connection))
        policy = None if _ENDPOINT_PATHS.isdisjoint(paths) else self.resources.egress
        return placed(wanted, provider, policy)

    async def _check_reachable(self, place: Placement) -> None:
        if not place.provider_hosted:
            endpoint = place.description.api_endpoint
            await check_reachable(self.resources.egress, "api_endpoint", endpoint, self.resources.lookup)

    async def _changeable(self, connection: ReadConnection, asked: str, rpc: str, *, lock: bool = False) -> CustomModel:
        caller = self.caller
        found = await custom_models.named(connection, asked, caller.user_id, caller.project_id, lock=lock)
        return rules.changeable(caller, found, asked, f"{_METHODS}/{rpc}")

    def _sealed(self, model: CustomModel, api_key: str) -> bytes | None:
        if not api_key:
            return None
        label = key_label(model.id, origin_of(model.description.api_endpoint))
        return self.resources.sealer.seal(api_key.encode(), label)

    async def _announced(self, connection: WriteConnection, model: CustomModel) -> CustomModel:
        """Appends the price where it is another, and tells everybody. Returns the model as it is kept now."""
        cost, now = model.description.cost, times.now()
        price = rules.next_price(model.prices, cost, str(uuid7()), now)
        if price is not None:
            await custom_models.append_price(connection, model.id, price, cost)
        kept = await custom_models.by_id(connection, model.id)
        if kept is None:
            raise Conflict(f"{model.id} was removed meanwhile", resource=rules.RESOURCE, id=model.id)
        await self.resources.outbox.add(connection, messages.changed(kept))
        return kept


def _leads_to(place: Placement) -> tuple[str, bool]:
    return place.description.api_endpoint, place.provider_hosted


def _at(model: CustomModel, place: Placement) -> CustomModel:
    return replace(model, description=place.description, base_url=place.base_url, provider_hosted=place.provider_hosted)


def _taken(model: CustomModel) -> ResourceExists:
    return ResourceExists(rules.RESOURCE, "model_id", model.description.model_id)
