/**
 * What checks the explorer, and the tests? Break the bindings in every small way, and see whether anything notices.
 *
 * A mutant is a source file of the bindings with one place changed: a statement left out, a number another, a condition
 * turned round or half of it gone, an atomic access made plain. Texts are left alone, and so are the arguments of errors:
 * nothing depends on them. Types have no mutants either, they are not there when it runs.
 */

import { parseSync } from 'vite';

export interface Mutant {
  /** The file's name in bindings/. */
  readonly file: string;
  readonly line: number;
  readonly what: string;
  /** What is changed: from here to there (in characters), a statement or else an expression, into this. */
  readonly start: number;
  readonly end: number;
  readonly text: string;
  readonly statement: boolean;
}

/** A node of the syntax tree, ESTree's with types. Positions are those of the source. */
interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

/** Syntax of types that is there when it runs, or has something in it that is. */
const RUNS = ['TSAsExpression', 'TSNonNullExpression', 'TSSatisfiesExpression', 'TSParameterProperty'];

/** Each turns into the other: they differ in one case only. */
const NEIGHBOURS: Record<string, string> = { '<': '<=', '<=': '<', '>': '>=', '>=': '>' };
const OPPOSITES: Record<string, string> = { '===': '!==', '!==': '===' };

/** Times and sizes are larger: what holds for one must hold for one more or less, too. */
const LARGE = 8;

/** All mutants of a file, in the order of their places. */
export function mutants(file: string, source: string): Mutant[] {
  const { program, errors } = parseSync(file, source, { lang: 'ts' });
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]!.message}`);
  const found: Mutant[] = [];
  const lines = [0, ...[...source.matchAll(/\n/g)].map(({ index }) => index + 1)];
  const text = ({ start, end }: Node): string => source.slice(start, end);
  const change = ({ start, end }: Node, what: string, text: string, statement = false): void => {
    found.push({ file, line: lines.findLastIndex((begin) => begin <= start) + 1, what, start, end, text, statement });
  };
  const leaveOut = (node: Node, kind: string): void => change(node, `${kind} left out`, ';', true);

  /** @param decides whether it is a whole condition, which is turned round as such */
  const visit = (node: Node, decides = false): void => {
    const test = node.test as Node | undefined;
    switch (node.type) {
      case 'TemplateLiteral':
        return;
      case 'ThrowStatement':
        leaveOut(node, 'throw');
        return;
      case 'ExpressionStatement':
        // Without this nobody could make an object at all.
        if (!text(node).startsWith('super(')) leaveOut(node, 'statement');
        break;
      case 'ReturnStatement':
      case 'BreakStatement':
      case 'ContinueStatement':
        leaveOut(node, node.type.slice(0, -'Statement'.length).toLowerCase());
        break;
      case 'IfStatement':
      case 'WhileStatement':
      case 'DoWhileStatement':
      case 'ForStatement':
      case 'ConditionalExpression':
        if (test) change(test, 'condition turned round', `!(${text(test)})`);
        break;
      case 'ForOfStatement':
        leaveOut(node, 'loop');
        break;
      case 'Literal':
        if (typeof node.value === 'number') {
          const others = node.value > LARGE ? [0] : [node.value + 1, node.value - 1];
          for (const value of others) change(node, `${node.value} → ${value}`, `(${value})`);
        } else if (typeof node.value === 'boolean') change(node, `${node.value} → ${!node.value}`, `${!node.value}`);
        return;
      case 'LogicalExpression': {
        const [left, right] = [node.left as Node, node.right as Node];
        for (const half of [left, right]) change(node, `only ${text(half)}`, `(${text(half)})`);
        break;
      }
      case 'AssignmentExpression':
        if (/^(&&|\|\||\?\?)=$/.test(node.operator as string)) {
          change(node, `${node.operator} → =`, `${text(node.left as Node)} = ${text(node.right as Node)}`);
        }
        break;
      case 'BinaryExpression': {
        const operator = node.operator as string;
        const other = NEIGHBOURS[operator] ?? (decides ? undefined : OPPOSITES[operator]);
        const [left, right] = [node.left as Node, node.right as Node];
        if (other) change(node, `${operator} → ${other}`, `(${text(left)} ${other} ${text(right)})`);
        break;
      }
      case 'UnaryExpression':
        if (node.operator === '!' && !decides) change(node, 'negation left out', `(${text(node.argument as Node)})`);
        break;
      case 'UpdateExpression': {
        const [operator, other] = node.operator === '++' ? ['++', '--'] : ['--', '++'];
        change(node, `${operator} → ${other}`, text(node).replace(operator, other));
        break;
      }
      case 'CallExpression': {
        const access = /^Atomics\.(\w+)$/.exec(text(node.callee as Node))?.[1];
        if (access) atomic(node, access);
        break;
      }
    }
    for (const [key, value] of Object.entries(node)) {
      const computed = key !== 'key' || node.computed;
      for (const child of Array.isArray(value) ? value : [value]) {
        if (isNode(child) && computed && runs(child)) visit(child, child === test);
      }
    }
  };

  const atomic = (node: Node, access: string): void => {
    const [words, place, ...operands] = (node.arguments as Node[]).map(text);
    const at = `${words}[${place}]`;
    switch (access) {
      case 'load':
        change(node, 'load made plain', `(${at}!)`);
        return;
      case 'store':
        change(node, 'store made plain', `(${at} = ${operands[0]})`);
        return;
      case 'compareExchange':
        change(node, 'compare, then exchange', twoSteps(node, `found === expected ? operand : found`, 'expected, '));
        return;
      case 'add':
        change(node, 'read, then add', twoSteps(node, 'found + operand'));
        return;
      case 'sub':
        change(node, 'read, then subtract', twoSteps(node, 'found - operand'));
        return;
      case 'exchange':
        change(node, 'read, then exchange', twoSteps(node, 'operand'));
        return;
      case 'and':
        change(node, 'read, then and', twoSteps(node, 'found & operand'));
        return;
      case 'or':
        change(node, 'read, then or', twoSteps(node, 'found | operand'));
        return;
    }
  };

  /** Not one step: a load, and a store some time later. */
  const twoSteps = (node: Node, result: string, more = ''): string =>
    `((words: any, place: any, ${more && 'expected: any, '}operand: any) => { const found = Atomics.load(words, place); Atomics.store(words, place, ${result}); return found; })(${(node.arguments as Node[]).map(text).join(', ')})`;

  for (const node of program.body as unknown as Node[]) if (runs(node)) visit(node);
  return found.sort((a, b) => a.start - b.start || b.end - a.end);
}

function isNode(value: unknown): value is Node {
  return typeof (value as Node | null)?.type === 'string' && typeof (value as Node).start === 'number';
}

function runs({ type }: Node): boolean {
  return RUNS.includes(type) || !/^(TS|ImportDecl)/.test(type);
}

/** The file with the mutant's change. */
export function mutated(source: string, { start, end, text }: Mutant): string {
  return source.slice(0, start) + text + source.slice(end);
}
