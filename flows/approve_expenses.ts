import { Flow, type } from "pgflow/dsl";

/** One line of an expense report; the amount is in cents. */
export interface Expense {
  text: string;
  amount: number;
}

/** Has each large expense of a report approved on its own, and adds up what is paid back. */
export const ApproveExpenses = new Flow<{ expenses: Expense[] }>({ slug: "approve_expenses" })
  .step("small", ({ run }) => run.expenses.filter(({ amount }) => amount < 10_000))
  .step("large", ({ run }) => run.expenses.filter(({ amount }) => amount >= 10_000))
  // The answers have the order of the expenses, whoever answers first.
  .mapApproval("decisions", "large", { output: type<"pay" | "refuse">() })
  .step("payment", ["small", "large", "decisions"], ({ small, large, decisions }) => {
    const paid = [...small, ...large.filter((_, index) => decisions[index] === "pay")];
    return {
      paid: paid.map(({ text }) => text),
      amount: paid.reduce((sum, { amount }) => sum + amount, 0),
    };
  });
