// An agent for engines written in JavaScript: JSON lines in, JSON lines out, as docs/agent-protocol.md has it.
//
// The adapter's texts are JavaScript here: the prelude runs once, and each spelling becomes a function in the prelude's scope.
// Functions are differentiated: what led from the inputs to the root runs again inside the function that the engine is given.

import { Console } from 'node:console';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const PROTOCOL = 1;
const LONGEST_TEXT = 2000;
const MANY_FUNCTIONS = 1 << 14;
const HERE = dirname(fileURLToPath(import.meta.url));

// --- numbers and texts

// An exact rational as a number. A denominator may be 2 to the 1074, which no number holds: it is divided by in two steps.
function number(text) {
  const [numerator, denominator = '1'] = text.split('/');
  const shift = Math.max(0, BigInt(denominator).toString(2).length - 1000);
  return Number(numerator) / Number(BigInt(denominator) >> BigInt(shift)) / 2 ** shift;
}

// A number as text that reads back as the same number. Digits alone are read as an exact integer, so those of a large number,
// which JavaScript fills up with zeros, need an exponent.
function exact(value) {
  if (typeof value === 'boolean') return String(Number(value));
  if (Object.is(value, -0)) return '-0.0';
  if (!Number.isFinite(value)) return String(value).replace('Infinity', 'inf').replace('NaN', 'nan');
  return Number.isInteger(value) && !Number.isSafeInteger(value) ? value.toExponential() : String(value);
}

// Numbers in row-major order as nested lists; a lone one when the shape is empty.
function nested([extent, ...inner], numbers) {
  if (extent === undefined) return numbers[0];
  const step = numbers.length / (extent || 1);
  return Array.from({ length: extent }, (_, i) => nested(inner, numbers.slice(i * step, (i + 1) * step)));
}

// The shape of nested lists, as far as lists can tell it.
const extents = (value) => (Array.isArray(value) ? [value.length, ...(value.length ? extents(value[0]) : [])] : []);

const clipped = (value) => {
  const text = String(value);
  return text.length <= LONGEST_TEXT ? text : `${text.slice(0, LONGEST_TEXT)}... (${text.length} characters)`;
};

// --- the engine

// The engine's exception, the instruction that met it, and the key of the spelling that was being executed.
class Refused {
  constructor(index, reason, key) {
    Object.assign(this, { index, reason, key });
  }
}

// The exception that a program raises itself, as a user's code would.
class ProgramException extends Error {}

class Engine {
  constructor(adapter) {
    this.adapter = adapter;
    this.functions = new Map();
    const open = new Function('require', `${adapter.prelude}\nreturn (code) => eval(code);`);
    this.evaluate = open(createRequire(import.meta.url));
    this.around = adapter.around ? this.evaluate(adapter.around) : (action) => action();
    this.version = clipped(this.evaluate(adapter.version));
  }

  offers(key) {
    return Object.hasOwn(this.adapter.spellings, key);
  }

  // A spelling with its placeholders filled in; a brace that is meant is written twice.
  spelled(key, parts) {
    return this.adapter.spellings[key].replace(/\{\{|\}\}|\{(\w+)\}/g, (found, name) => (name ? parts[name] : found[0]));
  }

  // The value of a spelling whose placeholders are `parts`, as a function of `letters`, called with `values`; made once.
  call(index, key, parts, letters, values) {
    const code = `(${letters.join(', ')}) => ${this.spelled(key, parts)}`;
    return this.guarded(index, key, () => {
      if (!this.functions.has(code)) {
        if (this.functions.size > MANY_FUNCTIONS) this.functions.clear();
        this.functions.set(code, this.evaluate(code));
      }
      return this.functions.get(code)(...values);
    });
  }

  // Runs the engine's code; whatever it throws is a refusal of instruction `index`, also what it throws inside of a function.
  guarded(index, key, action) {
    try {
      return action();
    } catch (reason) {
      if (reason instanceof ProgramException) throw reason;
      throw new Refused(index, reason instanceof Refused ? reason.reason : reason, key);
    }
  }

  described({ index, reason, key }) {
    const type = clipped(reason?.constructor?.name ?? typeof reason);
    const message = clipped(reason?.message ?? reason);
    return { at: index, kind: this.kind(reason, message), type, message, spelling: key, template: this.adapter.spellings[key] };
  }

  // The kind of a refusal by the adapter's table; null when no row matches.
  kind(reason, message) {
    const classes = [];
    for (let it = reason; it instanceof Object; it = Object.getPrototypeOf(it)) classes.push(it.constructor.name);
    const rows = [...this.adapter.refusals, ['exhausted', 'RangeError', 'call stack|array length|allocation']];
    return rows.find(([, name, pattern]) => classes.includes(name) && new RegExp(pattern).test(message))?.[0] ?? null;
  }
}

// --- what a program needs: the keys of spellings, for each verb; a verb that is not here is declined

const ATTRIBUTES = ['axis', 'axes', 'keepdim', 'shape', 'index', 'low', 'high', 'widths', 'shift'];
const isScalar = (operand) => typeof operand !== 'string';
const derivative = ({ options }) => (options.cotangent ? 'vjp' : 'gradient');
const operator = ({ options }) =>
  options.operator === 'index' && Array.isArray(options.index) ? 'index.list' : options.operator;
const options = (it, ...names) => names.filter((name) => it.options[name]).map((name) => `${it.verb}.${name}`);

const NEEDS = {
  leaf: (it) => [it.options.requires_grad ? 'leaf' : 'constant'],
  apply: (it) => [operator(it), ...(it.args.some(isScalar) ? ['scalar'] : [])],
  gradients: (it) => [derivative(it)],
  grad: (it) => [derivative(it), ...options(it, 'retain_graph', 'allow_unused')],
  detach: () => ['detach'],
  unbind: () => ['unbind'],
  expect: (it) => ({ tensor: ['value'], outcome: [] })[it.options.observe] ?? [it.options.observe],
  ...Object.fromEntries(['drop', 'raise', 'repeat', 'attempt', 'catch'].map((verb) => [verb, () => []])),
};

// What an engine lacks for a program; nothing is executed when there is something.
function missing(engine, program) {
  const dtypes = [program.dtype];
  const keys = [];
  const look = (it) => {
    if (it.verb === 'leaf' && it.options.dtype) dtypes.push(it.options.dtype);
    keys.push(...(NEEDS[it.verb]?.(it) ?? [it.verb]));
    it.body.forEach(look);
  };
  program.instructions.forEach(look);
  const lacking = [...dtypes.filter((it) => !engine.adapter.dtypes[it]), ...keys.filter((key) => !engine.offers(key))];
  return [...new Set(lacking)];
}

// --- the verbs: each executes an instruction in a frame, which holds the names that are bound

const VERBS = {
  leaf(it, { engine, names, dtype }) {
    const { value, requires_grad: differentiated, dtype: own } = it.options;
    const numbers = nested(value.shape, value.values.map(number));
    const parts = { value: 'value', shape: JSON.stringify(value.shape), dtype: engine.adapter.dtypes[own ?? dtype] };
    names.set(it.out[0], engine.call(it.index, differentiated ? 'leaf' : 'constant', parts, ['value'], [numbers]));
  },

  apply(it, { engine, names }) {
    const parts = { keepdim: 'false' };
    for (const name of ATTRIBUTES) if (name in it.options) parts[name] = JSON.stringify(it.options[name]);
    const letters = [];
    it.args.forEach((operand, i) => {
      if (!isScalar(operand)) letters.push('abc'[i]);
      parts['abc'[i]] = isScalar(operand) ? engine.spelled('scalar', { value: `(${exact(number(operand.scalar))})` }) : 'abc'[i];
    });
    const values = it.args.filter((operand) => !isScalar(operand)).map((name) => names.get(name));
    names.set(it.out[0], engine.call(it.index, operator(it), parts, letters, values));
  },

  detach(it, { engine, names }) {
    names.set(it.out[0], engine.call(it.index, 'detach', { a: 'a' }, ['a'], [names.get(it.args[0])]));
  },

  unbind(it, { engine, names }) {
    const rows = engine.call(it.index, 'unbind', { a: 'a' }, ['a'], [names.get(it.args[0])]);
    it.out.forEach((name, i) => names.set(name, rows[i]));
  },

  gradients: differentiate,
  grad: differentiate,

  drop: (it, { names }) => names.delete(it.args[0]),

  repeat(it, frame) {
    frame.names.set(it.out[0], frame.names.get(it.args[0]));
    for (let round = 0; round < it.options.times; round += 1) steps(it.body, { ...frame, past: [...frame.past] });
  },

  attempt(it, frame) {
    let outcome = { outcome: 'accepted' };
    try {
      steps(it.body, frame);
    } catch (refused) {
      if (!(refused instanceof Refused)) throw refused;
      outcome = { ...frame.engine.described(refused), outcome: 'refused' };
    }
    frame.names.set(it.out[0], outcome);
  },

  catch(it, frame) {
    try {
      steps(it.body, frame);
    } catch (reason) {
      if (!(reason instanceof ProgramException)) throw reason;
    }
  },

  raise() {
    throw new ProgramException('raised by the program');
  },

  expect(it, frame) {
    const seen = frame.names.get(it.args[0]);
    frame.observations.push([it.index, it.options.observe === 'outcome' ? seen : observed(it.index, seen, frame.engine)]);
  },
};

// What led from the inputs to the root becomes a function of the inputs, which the engine differentiates.
function differentiate(it, frame) {
  const [root, ...inputs] = it.args;
  const between = way(frame.past, root, inputs);
  const f = (...given) => {
    const inner = { ...frame, names: new Map(frame.names), announce: null };
    inputs.forEach((name, i) => inner.names.set(name, given[i]));
    between.forEach((past) => VERBS[past.verb](past, inner));
    return inner.names.get(root);
  };
  const letters = inputs.map((_, i) => `x${i}`);
  const parts = { f: 'f', inputs: letters.join(', '), positions: JSON.stringify([...inputs.keys()]), cotangent: 'v' };
  const values = [f, frame.names.get(it.options.cotangent), ...inputs.map((name) => frame.names.get(name))];
  const found = frame.engine.call(it.index, derivative(it), parts, ['f', 'v', ...letters], values);
  it.out.forEach((name, i) => frame.names.set(name, found[i]));
}

const ON_THE_WAY = ['apply', 'unbind', 'detach', 'gradients', 'grad', 'repeat'];

// The instructions on the way from `inputs` to `root`, in their order.
function way(past, root, inputs) {
  const depends = new Set(inputs);
  for (const it of past) {
    if (ON_THE_WAY.includes(it.verb) && read(it).some((name) => depends.has(name))) {
      it.out.filter((name) => !inputs.includes(name)).forEach((name) => depends.add(name));
    }
  }
  const wanted = new Set([root]);
  const chosen = [];
  for (const it of [...past].reverse()) {
    if (it.out.some((name) => wanted.has(name) && depends.has(name)) && !it.out.some((name) => inputs.includes(name))) {
      read(it).forEach((name) => wanted.add(name));
      chosen.unshift(it);
    }
  }
  return chosen;
}

// The names that an instruction reads.
function read(it) {
  const cotangent = it.options.cotangent ? [it.options.cotangent] : [];
  return [...it.args.filter((operand) => !isScalar(operand)), ...it.body.flatMap(read), ...cotangent];
}

function steps(instructions, frame) {
  for (const it of instructions) {
    frame.announce?.(it.index);
    VERBS[it.verb](it, frame);
    frame.past.push(it);
  }
}

// What can be seen of a tensor.
function observed(index, tensor, engine) {
  if (tensor === null || tensor === undefined) return { absent: true };
  const look = (key) => engine.call(index, key, { a: 'a' }, ['a'], [tensor]);
  const value = look('value');
  const seen = { shape: engine.offers('shape') ? look('shape') : extents(value), values: [value].flat(Infinity).map(exact) };
  return engine.offers('dtype') ? { ...seen, dtype: clipped(look('dtype')) } : seen;
}

// --- the protocol

function run(engine, { run: ran, program, trace }) {
  const reply = { ran, observations: [], failure: null, declined: missing(engine, program), lowered: [], leaks: [], seconds: 0 };
  if (reply.declined.length) return reply;
  const announce = trace ? (index) => send({ at: index }) : null;
  const frame = { engine, dtype: program.dtype, names: new Map(), past: [], observations: reply.observations, announce };
  const started = performance.now();
  try {
    engine.around(() => steps(program.instructions, frame));
  } catch (refused) {
    if (!(refused instanceof Refused)) throw refused;
    reply.failure = engine.described(refused);
  }
  reply.seconds = (performance.now() - started) / 1000;
  return reply;
}

// One line of ASCII. A pipe is written to at once, so that nothing is lost when the engine ends the process.
function send(message) {
  const escaped = (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`;
  process.stdout.write(`${JSON.stringify(message).replace(/[\u007f-\uffff]/g, escaped)}\n`);
}

function load(adapter) {
  try {
    const engine = new Engine(adapter);
    send({ ready: { protocol: PROTOCOL, language: 'javascript', runtime: process.versions.node, version: engine.version } });
    return engine;
  } catch (reason) {
    const absent = reason?.code === 'MODULE_NOT_FOUND';
    const message = absent ? `${reason.message.split('\n')[0]}; install it by: npm ci --prefix ${HERE}` : String(reason);
    send({ refused: { kind: absent ? 'import' : 'load', message: clipped(message) } });
    return process.exit();
  }
}

globalThis.console = new Console(process.stderr); // the protocol has standard output to itself
let loaded = null;
createInterface({ input: process.stdin, crlfDelay: Infinity })
  .on('line', (line) => {
    const message = JSON.parse(line);
    if ('hello' in message) loaded = load(message.hello.adapter);
    else send(run(loaded, message));
  })
  .on('close', () => process.exit());
