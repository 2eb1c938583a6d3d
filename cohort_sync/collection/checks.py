"""The checks that methods make before they do anything, with the errors that Java's validator raises (spec metadata-collection-semantics 1.1).

Each method of `Checks` is one line of that vocabulary. They are called in the order in which the method of the collection lists them; the first that fails is
the answer.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from cohort_sync.collection.context import CollectionContext, is_before_6
from cohort_sync.omrs.enums import InstancePropertyCategory, InstanceStatus, PrimitiveDefCategory, TypeDefCategory
from cohort_sync.omrs.error_codes import OMRSErrorCode as Code
from cohort_sync.omrs.exceptions import ExceptionKind as Kind
from cohort_sync.omrs.exceptions import OMRSException, invalid_parameter
from cohort_sync.omrs.finds import MatchCriteria, PropertyComparisonOperator, PropertyCondition, SearchClassifications, SearchProperties
from cohort_sync.omrs.properties import ArrayPropertyValue, InstanceProperties, PrimitivePropertyValue
from cohort_sync.omrs.property_rules import PropertyProblemCode, property_problems
from cohort_sync.omrs.type_registry import TypeRegistry, category_of
from cohort_sync.omrs.typedefs import ClassificationDef, EntityDef, TypeDef, TypeDefSummary

MAX_NESTING = 100
"""How deep conditions may be nested."""

_CATEGORY_NAMES = {
    TypeDefCategory.ENTITY_DEF: "EntityDef",
    TypeDefCategory.RELATIONSHIP_DEF: "RelationshipDef",
    TypeDefCategory.CLASSIFICATION_DEF: "ClassificationDef",
}
_TEXT_OPERATORS = frozenset(
    one for one in PropertyComparisonOperator if ("LIKE" in one or "WITH" in one or one == "CASE_INSENSITIVE_EQ") and one != "CASE_INSENSITIVE_NOT_LIKE"
)
_NUMERIC_OPERATORS = frozenset({PropertyComparisonOperator.LT, PropertyComparisonOperator.LTE, PropertyComparisonOperator.GT, PropertyComparisonOperator.GTE})
_NUMERIC = frozenset(
    {
        PrimitiveDefCategory.DATE,
        PrimitiveDefCategory.SHORT,
        PrimitiveDefCategory.INT,
        PrimitiveDefCategory.LONG,
        PrimitiveDefCategory.FLOAT,
        PrimitiveDefCategory.DOUBLE,
        PrimitiveDefCategory.BIGINTEGER,
        PrimitiveDefCategory.BIGDECIMAL,
    }
)


class Checks:
    """The checks of one call of `method`."""

    def __init__(self, context: CollectionContext, method: str) -> None:
        self.method = method
        self.source = context.source
        self.registry: TypeRegistry = context.types.registry
        self._context = context

    # ------------------------------------------------------------ raising

    def invalid(self, code: Code, *parameters: str | None, parameter: str) -> OMRSException:
        """InvalidParameterException about this parameter."""
        return invalid_parameter(code, *parameters, method=self.method, parameter=parameter)

    def error(self, kind: Kind, code: Code, *parameters: str | None) -> OMRSException:
        """Another exception of this call."""
        return OMRSException(kind, code, *parameters, method=self.method)

    # ------------------------------------------------------------ identifiers

    def user(self, user_id: str | None) -> None:
        if not user_id:
            raise self.invalid(Code.NULL_USER_ID, "userId", self.method, self.source, parameter="userId")

    def guid(self, parameter: str, guid: str | None) -> str:
        if guid is None:
            raise self.invalid(Code.NO_GUID, parameter, self.method, self.source, parameter=parameter)
        return guid

    def home(self, parameter: str, collection_id: str | None) -> str:
        if collection_id is None:
            raise self.invalid(Code.NULL_HOME_METADATA_COLLECTION_ID, parameter, self.method, self.source, parameter=parameter)
        return collection_id

    def type_ids(self, guid: str | None, name: str | None) -> tuple[str, str]:
        """GUID and name of a type, both there."""
        if guid is None:
            raise self.invalid(Code.NULL_TYPEDEF_IDENTIFIER, "typeDefGUID", self.method, self.source, parameter="typeDefGUID")
        if name is None:
            raise self.invalid(Code.NO_TYPEDEF_NAME, "typeDefName", self.method, self.source, parameter="typeDefName")
        return guid, name

    def name(self, parameter: str, name: str | None) -> str:
        if name is None:
            raise self.invalid(Code.NO_TYPEDEF_NAME, parameter, self.method, self.source, parameter=parameter)
        return name

    # ------------------------------------------------------------ types

    def type_guid(self, parameter: str, guid: str | None) -> TypeDef:
        """A known TypeDef."""
        if guid is None:
            raise self.invalid(Code.NULL_TYPEDEF_IDENTIFIER, parameter, self.method, self.source, parameter=parameter)
        found = self.optional_type_guid(parameter, guid)
        if found is None:
            raise self.error(Kind.TYPE_ERROR, Code.TYPEDEF_ID_NOT_KNOWN, guid, parameter, self.method, self.source)
        return found

    def type_for(self, parameter: str, guid: str | None, category: TypeDefCategory) -> TypeDef:
        """A known TypeDef of this category."""
        found = self.type_guid(parameter, guid)
        actual = category_of(found)
        if actual is not category:
            wanted, got = _CATEGORY_NAMES[category], _CATEGORY_NAMES[actual]
            raise self.error(Kind.TYPE_ERROR, Code.WRONG_TYPEDEF_CATEGORY, found.name, parameter, self.method, self.source, got, wanted)
        return found

    def optional_type_guid(self, parameter: str, guid: str | None) -> TypeDef | None:
        """A known TypeDef, None when none is given (or when it is the GUID of an attribute type, which limits nothing to anything)."""
        if guid is None:
            return None
        found = self.registry.type_def_by_guid(guid)
        if found is None and self.registry.attribute_type_by_guid(guid) is None:
            raise self.error(Kind.TYPE_ERROR, Code.TYPEDEF_ID_NOT_KNOWN, guid, parameter, self.method, self.source)
        return found

    def type_names(self, parameter: str, guid: str | None, subtype_parameter: str = "", subtypes: Sequence[str] | None = None) -> frozenset[str] | None:
        """The names of the type and all below it, those of the subtypes where some are given; None when nothing is limited."""
        above = self.optional_type_guid(parameter, guid)
        if guid is not None and above is None:
            return frozenset()
        if not subtypes:
            return None if above is None else self._with_subtypes(above)
        chosen = [self.type_guid(subtype_parameter, one) for one in subtypes]
        wrong = [one.guid or "" for one in chosen if above is not None and not self.registry.is_a(one.name or "", above.name or "")]
        if wrong:
            raise self.error(Kind.TYPE_ERROR, Code.TYPEDEF_NOT_SUBTYPE, f"[{', '.join(wrong)}]", guid)
        return frozenset(name for one in chosen for name in self._with_subtypes(one))

    def _with_subtypes(self, type_def: TypeDef) -> frozenset[str]:
        name = type_def.name or ""
        return self.registry.subtypes(name) | {name}

    def active_type(self, parameter: str, summary: TypeDefSummary | None) -> TypeDef:
        """The type that a summary names, by GUID and name."""
        found = self.registry.type_def(summary.name) if summary is not None else None
        if summary is None or found is None or found.guid != summary.guid:
            name, guid = (summary.name, summary.guid) if summary is not None else (None, None)
            raise self.error(Kind.TYPE_ERROR, Code.TYPEDEF_NOT_KNOWN, name, guid, parameter, self.method, self.source)
        return found

    # ------------------------------------------------------------ classifications

    def classification_name(self, name: str | None, parameter: str = "classificationName") -> TypeDef:
        if name is None:
            raise self.invalid(Code.NULL_CLASSIFICATION_NAME, parameter, self.method, self.source, parameter=parameter)
        found = self.registry.type_def(name)
        if found is None:
            raise self.invalid(Code.UNKNOWN_CLASSIFICATION, name, self.source, parameter=parameter)
        return found

    def classification_for(self, name: str | None, entity_type: str, parameter: str = "classificationName") -> ClassificationDef:
        """A classification that may stand on entities of this type."""
        found = self.classification_name(name, parameter)
        entity_known = isinstance(self.registry.type_def(entity_type), EntityDef)
        if not isinstance(found, ClassificationDef) or not entity_known or not self.registry.can_classify(found.name or "", entity_type):
            raise self.error(Kind.CLASSIFICATION_ERROR, Code.INVALID_CLASSIFICATION_FOR_ENTITY, self.source, name, entity_type)
        return found

    # ------------------------------------------------------------ properties and status

    def properties_for_type(self, type_def: TypeDef, properties: InstanceProperties | None, parameter: str, *, new: bool = False) -> None:
        """Are these properties right for the type? `new`: they replace those of an instance.

        Up to 5.x no properties at all are refused only where they replace others and are null; from 6.x wherever the type has a unique attribute.
        """
        name = type_def.name or ""
        if not (properties is not None and properties.instance_properties) and is_before_6(self.registry.release):
            if new and properties is None:
                raise self.error(Kind.PROPERTY_ERROR, Code.NO_NEW_PROPERTIES, parameter, self.method, self.source)
            return
        problems = property_problems(self.registry, name, properties)
        if not problems:
            return
        problem, category = problems[0], _CATEGORY_NAMES.get(category_of(type_def), "")
        match problem.code:
            case PropertyProblemCode.NO_NEW_PROPERTIES:
                raise self.error(Kind.PROPERTY_ERROR, Code.NO_NEW_PROPERTIES, parameter, self.method, self.source)
            case PropertyProblemCode.NO_PROPERTIES_FOR_TYPE:
                raise self.error(Kind.PROPERTY_ERROR, Code.NO_PROPERTIES_FOR_TYPE, category, name, self.source)
            case PropertyProblemCode.BAD_PROPERTY_FOR_TYPE:
                raise self.error(Kind.PROPERTY_ERROR, Code.BAD_PROPERTY_FOR_TYPE, problem.property, category, name, self.source)
            case PropertyProblemCode.BAD_PROPERTY_TYPE | PropertyProblemCode.BAD_PROPERTY_VALUE:
                raise self._bad_property(properties, problem.property, category, name)

    def _bad_property(self, properties: InstanceProperties | None, property_name: str, category: str, type_name: str) -> OMRSException:
        value = properties.get(property_name) if properties is not None else None
        got: str | None = value.instance_property_category if value is not None else None
        if isinstance(value, PrimitivePropertyValue) and value.primitive_def_category is not None:
            got = value.primitive_def_category.value.removeprefix("OM_PRIMITIVE_TYPE_").lower()
        elif isinstance(got, InstancePropertyCategory):
            got = got.value.capitalize()
        attribute = self.registry.attribute(type_name, property_name)
        expected = attribute.attribute_type.name if attribute is not None and attribute.attribute_type is not None else None
        return self.error(Kind.PROPERTY_ERROR, Code.BAD_PROPERTY_TYPE, property_name, got, category, type_name, expected, self.source)

    def status(self, parameter: str, status: InstanceStatus | None, type_def: TypeDef) -> None:
        """A status that instances of the type may have; DELETED is no status that anyone sets."""
        if status is None:
            return
        shown = status.value.capitalize()
        if status is InstanceStatus.DELETED:
            raise self.error(Kind.STATUS_NOT_SUPPORTED, Code.BAD_DELETE_INSTANCE_STATUS, shown, parameter, self.method, self.source, type_def.name)
        if status not in (type_def.valid_instance_status_list or ()):
            raise self.error(Kind.STATUS_NOT_SUPPORTED, Code.BAD_INSTANCE_STATUS, shown, parameter, self.method, self.source, type_def.name)

    def new_status(self, parameter: str, status: InstanceStatus | None, type_def: TypeDef) -> InstanceStatus:
        """The same, and it must be there."""
        if status is None:
            raise self.invalid(Code.NULL_INSTANCE_STATUS, parameter, self.method, self.source, parameter=parameter)
        self.status(parameter, status, type_def)
        return status

    # ------------------------------------------------------------ time and paging

    def as_of(self, as_of: int | None, parameter: str = "asOfTime") -> int | None:
        """Not in the future; None is now."""
        if as_of is not None and as_of > self._context.clock():
            raise self.invalid(Code.REPOSITORY_NOT_CRYSTAL_BALL, _date(as_of), parameter, self.method, self.source, parameter=parameter)
        return as_of

    def as_of_not_null(self, as_of: int | None) -> int:
        if as_of is None:
            raise self.invalid(Code.NULL_AS_OF_TIME, self.method, "asOfTime", self.source, parameter="asOfTime")
        self.as_of(as_of)
        return as_of

    def time_range(self, from_time: int | None, to_time: int | None) -> None:
        if from_time is not None and to_time is not None and from_time > to_time:
            raise self.invalid(Code.INVALID_TIME_RANGE, self.method, _date(from_time), _date(to_time), parameter="fromTime")
        self.as_of(from_time, "fromTime")
        self.as_of(to_time, "toTime")

    def page_size(self, page_size: int) -> None:
        if page_size < 0:
            raise self.error(Kind.PAGING_ERROR, Code.NEGATIVE_PAGE_SIZE, str(page_size), "pageSize", self.method, self.source)

    # ------------------------------------------------------------ conditions

    def match_pair(self, properties: InstanceProperties | None, criteria: MatchCriteria | None) -> None:
        """Both or neither."""
        if criteria is None and properties is not None:
            raise self.invalid(Code.NO_MATCH_CRITERIA, "matchCriteria", self.method, self.source, parameter="matchCriteria")
        if properties is None and criteria is not None:
            raise self.invalid(Code.NO_MATCH_CRITERIA, "matchProperties", self.method, self.source, parameter="matchProperties")

    def search_text(self, text: str | None, parameter: str) -> str:
        if not text:
            raise self.invalid(Code.NO_SEARCH_CRITERIA, parameter, self.method, self.source, parameter=parameter)
        return text

    def search_properties(self, search: SearchProperties | None, parameter: str = "matchProperties", depth: int = 0) -> None:
        if search is None:
            return
        if search.conditions is None or depth > MAX_NESTING:
            raise self.invalid(Code.INVALID_PROPERTY_SEARCH, parameter=parameter)
        for condition in search.conditions:
            nested = condition.nested_conditions
            if nested is None:
                self._condition(condition, parameter)
            elif condition.property is not None or condition.operator is not None or condition.value is not None:
                raise self.invalid(Code.INVALID_PROPERTY_SEARCH, parameter=parameter)
            else:
                self.search_properties(nested, parameter, depth + 1)

    def _condition(self, condition: PropertyCondition, parameter: str) -> None:
        operator, value = condition.operator, condition.value
        if operator is None or (condition.property is None and is_before_6(self.registry.release)):
            raise self.invalid(Code.INVALID_PROPERTY_SEARCH, parameter=parameter)
        if value is None:
            if operator not in (PropertyComparisonOperator.IS_NULL, PropertyComparisonOperator.NOT_NULL):
                raise self.invalid(Code.INVALID_PROPERTY_SEARCH, parameter=parameter)
            return
        if operator in _TEXT_OPERATORS and not isinstance(value, PrimitivePropertyValue):
            raise self.invalid(Code.INVALID_LIKE_CONDITION, parameter=parameter)
        if operator in _NUMERIC_OPERATORS and not (isinstance(value, PrimitivePropertyValue) and value.primitive_def_category in _NUMERIC):
            raise self.invalid(Code.INVALID_NUMERIC_CONDITION, operator.value, parameter=parameter)
        if operator is PropertyComparisonOperator.IN and not isinstance(value, ArrayPropertyValue):
            raise self.invalid(Code.INVALID_LIST_CONDITION, parameter=parameter)

    def search_classifications(self, search: SearchClassifications | None) -> None:
        for condition in (search.conditions if search is not None else None) or ():
            if not (condition.name or "").strip():
                raise self.invalid(Code.INVALID_CLASSIFICATION_SEARCH, parameter="matchClassifications")
            self.search_properties(condition.match_properties, "matchClassifications")


def _date(millis: int) -> str:
    """A time for a message."""
    try:
        return datetime.fromtimestamp(millis / 1000, UTC).isoformat(timespec="milliseconds")
    except (OverflowError, ValueError, OSError):
        return f"{millis} ms"


def names(statuses: Collection[InstanceStatus] | None) -> frozenset[str] | None:
    """Statuses as a store has them; an empty list is none given."""
    return frozenset(one.value for one in statuses) if statuses else None
