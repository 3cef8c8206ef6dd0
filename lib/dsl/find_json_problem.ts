/** More levels than this overflow a stack, here or in Postgres. */
const MAX_DEPTH = 1000;

/** What keeps a value from being JSON. */
export interface FoundJsonProblem {
  /** Built on the way back from where the problem is, so that it costs nothing without one. */
  path: string;
  /** What is there. */
  state: string;
  /** What to do about it. */
  hint: string;
}

/** Returns what keeps a value from coming back from a jsonb column as it is, if anything does. */
export function findJsonProblem(value: unknown): FoundJsonProblem | undefined {
  return findProblem(value, []);
}

function findProblem(value: unknown, ancestors: object[]): FoundJsonProblem | undefined {
  switch (typeof value) {
    case "boolean":
      return undefined;
    case "string":
      return findTextProblem(value);
    case "number":
      if (Number.isFinite(value)) return undefined;
      return { path: "", state: `is ${value}`, hint: "Use null where there is no number." };
    case "object":
      return value === null ? undefined : findObjectProblem(value, ancestors);
    case "undefined":
      return { path: "", state: "is undefined", hint: "Return null, or leave the property out." };
    case "bigint":
      return { path: "", state: "is a bigint", hint: "Convert it with String() or Number()." };
    default:
      return { path: "", state: `is a ${typeof value}`, hint: "Leave it out." };
  }
}

function findObjectProblem(object: object, ancestors: object[]): FoundJsonProblem | undefined {
  if (ancestors.includes(object)) {
    return { path: "", state: "contains itself", hint: "Refer to the outer object by an id." };
  }
  if (ancestors.length >= MAX_DEPTH) {
    return { path: "", state: `is nested deeper than ${MAX_DEPTH} levels`, hint: "Flatten it." };
  }
  ancestors.push(object);
  const problem = Array.isArray(object)
    ? findElementProblem(object, ancestors)
    : findPropertyProblem(object, ancestors);
  ancestors.pop();
  return problem;
}

function findElementProblem(array: unknown[], ancestors: object[]): FoundJsonProblem | undefined {
  for (let index = 0; index < array.length; index++) {
    const problem = findProblem(array[index], ancestors);
    if (problem !== undefined) return { ...problem, path: `[${index}]${problem.path}` };
  }
}

function findPropertyProblem(object: object, ancestors: object[]): FoundJsonProblem | undefined {
  const className = classOf(object);
  if (className !== undefined) {
    return {
      path: "",
      state: `is ${/^[aeio]/i.test(className) ? "an" : "a"} ${className}`,
      hint: repairOf(className),
    };
  }
  for (const [key, value] of Object.entries(object)) {
    const problem = findTextProblem(key) ?? findProblem(value, ancestors);
    if (problem !== undefined) return { ...problem, path: step(key) + problem.path };
  }
}

function step(key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

/** JSON has these characters, jsonb refuses them. */
function findTextProblem(text: string): FoundJsonProblem | undefined {
  if (text.includes("\0")) {
    return {
      path: "",
      state: "contains the character U+0000",
      hint: 'Postgres cannot store it: remove it with replaceAll("\\0", "").',
    };
  }
  if (/[\ud800-\udfff]/u.test(text)) {
    return {
      path: "",
      state: "contains half of a surrogate pair",
      hint: "Postgres cannot store it: the text was cut inside a character.",
    };
  }
}

/** Returns the name of an object's class, or undefined for a plain object of any realm. */
function classOf(object: object): string | undefined {
  const prototype = Object.getPrototypeOf(object);
  if (prototype === null || Object.getPrototypeOf(prototype) === null) return undefined;
  return prototype.constructor?.name || "class instance";
}

function repairOf(className: string): string {
  switch (className) {
    case "Date":
      return "Return its toISOString().";
    case "Map":
      return "Return Object.fromEntries() of it.";
    case "Set":
      return "Return it as an array.";
    case "Promise":
      return "Await it.";
    case "URL":
      return "Return its href.";
    case "Error":
      return "Throw it, or return its message.";
    default:
      return "Return a plain object with what you need of it.";
  }
}
